// Goes into Prosody beside a sanitizer's runtime. Lua closes the libraries of its modules at exit; what their
// static objects point at would look lost to LeakSanitizer then, and reports would not name the library.
extern "C" __attribute__((visibility("default"))) int dlclose(void* /*library*/) { return 0; }
