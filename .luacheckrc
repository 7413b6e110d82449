-- What Prosody gives to a module; see its own .luacheckrc.
std = "lua54"
max_line_length = 120
read_globals = { "prosody", "hosts", "require" }
globals = { "module" }
allow_defined_top = true
