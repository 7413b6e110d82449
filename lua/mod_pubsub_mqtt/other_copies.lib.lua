-- Another copy of the module in a folder that Prosody looks into later, say one from a package beside one that was
-- built by hand: after an upgrade it may be the new one that is not used.

local lfs = require "lfs";

return function (version)
	local own = module:get_directory();
	local name = "mod_"..module.name;
	for folder in prosody.paths.plugins:gmatch("[^;]+") do
		local other = folder:gsub("/*$", "/")..name;
		if lfs.attributes(other.."/"..name..".lua")
			and lfs.attributes(other, "ino") ~= lfs.attributes(own, "ino") then
			module:log("warn", "This is version %s in %s. The copy in %s is not used: remove the one that you do not want",
				version, own, other);
		end
	end
end
