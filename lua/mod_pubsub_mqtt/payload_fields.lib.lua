-- A payload as an answer in JSON has it: "text", where it is UTF-8, else "base64".

local encodings = require "util.encodings";

return function (row, payload)
	if encodings.utf8.valid(payload) then
		row.text = payload;
	else
		row.base64 = encodings.base64.encode(payload);
	end
	return row;
end
