-- The page that shows what is there (mqtt_page): static files in the folder `page` beside this module, if it was built.
-- Read once: a package's upgrade replaces them below a running Prosody, whose clients are served by the old version
-- until the restart.

local lfs = require "lfs";

local most_files, most_bytes = 64, 4 * 1024 * 1024;

local media_types = {
	css = "text/css; charset=utf-8", html = "text/html; charset=utf-8", ico = "image/x-icon";
	js = "text/javascript; charset=utf-8", json = "application/json", png = "image/png", svg = "image/svg+xml";
	txt = "text/plain; charset=utf-8", webmanifest = "application/manifest+json", woff2 = "font/woff2";
};

local function read_file(path)
	local file = io.open(path, "rb");
	local bytes = file and file:read(most_bytes + 1);
	if file then file:close(); end
	return bytes or nil;
end

-- What the core takes (access_settings.h); nil where there is no such folder.
local function read(folder)
	if lfs.attributes(folder, "mode") ~= "directory" then return; end
	local files, size = {}, 0;
	for name in lfs.dir(folder) do
		local media_type = media_types[name:match("%.(%w+)$")];
		local bytes = media_type and read_file(folder.."/"..name);
		if bytes then
			local compressed = read_file(folder.."/"..name..".gz");
			size = size + #bytes + #(compressed or "");
			table.insert(files, { path = "/"..name, media_type = media_type, bytes = bytes, compressed = compressed });
		end
		if #files > most_files or size > most_bytes then
			module:log("error", "%s has more than %d files or %d bytes: the page is not served", folder, most_files, most_bytes);
			return;
		end
	end
	return files;
end

return function (settings)
	local files = read(module:get_directory().."/page");

	-- Those that are served now; nil: none.
	return function ()
		return settings.boolean("mqtt_page", true) and files or nil;
	end
end
