-- Values of Prosody's stores as text: stanzas as XML, what else there is as Prosody's own file storage writes it.

local serialization = require "util.serialization";
local st = require "util.stanza";
local xml = require "util.xml";

local serialize = serialization.new({ preset = "compact", fatal = true });

-- XML's parser takes these for spaces or line feeds where they are not written so; a stanza has no others.
local references = { ["\t"] = "&#9;", ["\n"] = "&#10;", ["\r"] = "&#13;" };

-- stanza_text: the library's
return function (stanza_text)
	local values = {};

	-- Returns nil and why, for what cannot be stored.
	function values.encode(value)
		if st.is_stanza(value) then
			return stanza_text(value) or (tostring(value):gsub("[\t\n\r]", references));
		end
		local ok, text = pcall(serialize, value);
		if not ok then return nil, text; end
		return text;
	end

	-- Returns nil and why, for what is damaged. Nothing else that is written begins with a <.
	function values.decode(text)
		local value, err = (text:byte() == 60 and xml.parse or serialization.deserialize)(text);
		if value == nil then return nil, err or "damaged value"; end
		return value;
	end

	return values;
end
