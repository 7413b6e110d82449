-- Values of Prosody's stores as text: stanzas as XML, what else there is as Prosody's own file storage writes it.

local serialization = require "util.serialization";
local st = require "util.stanza";
local xml = require "util.xml";

local serialize = serialization.new({ preset = "compact", fatal = true });

-- XML's parser takes these for spaces or line feeds where they are not written so; a stanza has no others.
local references = { ["\t"] = "&#9;", ["\n"] = "&#10;", ["\r"] = "&#13;" };

-- What the library does not write; raises for what would not be read again.
local function write_stanza(stanza)
	local text = tostring(stanza):gsub("[\t\n\r]", references);
	local _, err = xml.parse(text);
	if err then error("the stanza is no XML: "..err, 0); end
	return text;
end

-- Prosody's parser says nothing of the namespace of an element that has none, which then seems to have its parent's.
local function name_no_namespace(stanza)
	local is_named = (stanza.attr.xmlns or "") ~= "";
	for _, child in ipairs(stanza.tags) do
		if is_named and not child.attr.xmlns then child.attr.xmlns = ""; end
		name_no_namespace(child);
	end
end

-- stanza_text: the library's
return function (stanza_text)
	local values = {};

	-- Returns nil and why, for what cannot be stored.
	function values.encode(value)
		if value == nil then return nil, "there is no value"; end
		local is_stanza = st.is_stanza(value);
		local text = is_stanza and stanza_text(value);
		if text then return text; end
		local ok, written = pcall(is_stanza and write_stanza or serialize, value);
		if not ok then return nil, written; end
		return written;
	end

	-- Returns nil and why, for what is damaged. Nothing else that is written begins with a <.
	function values.decode(text)
		local is_stanza = text:byte() == 60;
		local value, err = (is_stanza and xml.parse or serialization.deserialize)(text);
		if value == nil then return nil, err or "damaged value"; end
		if is_stanza and text:find(" xmlns=''", 1, true) then name_no_namespace(value); end
		return value;
	end

	return values;
end
