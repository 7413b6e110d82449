#include "faulty_vfs.h"

#include <cstring>
#include <filesystem>
#include <new>

namespace pubsub_mqtt::store {
namespace {

FaultyVfs* current = nullptr;
sqlite3_vfs* real = nullptr;

struct File {
  sqlite3_file base;
  sqlite3_file* of_system() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File& self(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
sqlite3_file* of_system(sqlite3_file* file) { return self(file).of_system(); }

int close(sqlite3_file* file) { return of_system(file)->pMethods->xClose(of_system(file)); }
int read(sqlite3_file* file, void* into, int size, sqlite3_int64 at) {
  return of_system(file)->pMethods->xRead(of_system(file), into, size, at);
}
int write(sqlite3_file* file, const void* from, int size, sqlite3_int64 at) {
  int error = SQLITE_OK;
  switch (current->write_comes(error)) {
    case FaultyVfs::Fate::none:
      return error;
    case FaultyVfs::Fate::half:
      of_system(file)->pMethods->xWrite(of_system(file), from, size / 2, at);
      return error;
    case FaultyVfs::Fate::whole:
      break;
  }
  return of_system(file)->pMethods->xWrite(of_system(file), from, size, at);
}
int truncate(sqlite3_file* file, sqlite3_int64 size) {
  int error = SQLITE_OK;
  if (current->write_comes(error) != FaultyVfs::Fate::whole) return error;
  return of_system(file)->pMethods->xTruncate(of_system(file), size);
}
// The system itself does not die here, so that there is nothing to wait for.
int sync(sqlite3_file* /*file*/, int /*flags*/) {
  int error = SQLITE_OK;
  current->synchronized();
  current->write_comes(error);
  return error;
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return of_system(file)->pMethods->xFileSize(of_system(file), size);
}
int lock(sqlite3_file* file, int level) { return of_system(file)->pMethods->xLock(of_system(file), level); }
int unlock(sqlite3_file* file, int level) {
  return of_system(file)->pMethods->xUnlock(of_system(file), level);
}
int check_lock(sqlite3_file* file, int* result) {
  return of_system(file)->pMethods->xCheckReservedLock(of_system(file), result);
}
int control(sqlite3_file* file, int op, void* arg) {
  return of_system(file)->pMethods->xFileControl(of_system(file), op, arg);
}
int sector_size(sqlite3_file* file) { return of_system(file)->pMethods->xSectorSize(of_system(file)); }
int characteristics(sqlite3_file* file) {
  return of_system(file)->pMethods->xDeviceCharacteristics(of_system(file));
}
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** memory) {
  if (extend != 0 && current->is_filled()) return SQLITE_IOERR_SHMSIZE;
  return of_system(file)->pMethods->xShmMap(of_system(file), page, size, extend, memory);
}
int shm_lock(sqlite3_file* file, int offset, int n, int flags) {
  return of_system(file)->pMethods->xShmLock(of_system(file), offset, n, flags);
}
void shm_barrier(sqlite3_file* file) { of_system(file)->pMethods->xShmBarrier(of_system(file)); }
int shm_unmap(sqlite3_file* file, int remove) {
  return of_system(file)->pMethods->xShmUnmap(of_system(file), current->is_dead() ? 0 : remove);
}

const sqlite3_io_methods methods{.iVersion = 2,
                                 .xClose = close,
                                 .xRead = read,
                                 .xWrite = write,
                                 .xTruncate = truncate,
                                 .xSync = sync,
                                 .xFileSize = file_size,
                                 .xLock = lock,
                                 .xUnlock = unlock,
                                 .xCheckReservedLock = check_lock,
                                 .xFileControl = control,
                                 .xSectorSize = sector_size,
                                 .xDeviceCharacteristics = characteristics,
                                 .xShmMap = shm_map,
                                 .xShmLock = shm_lock,
                                 .xShmBarrier = shm_barrier,
                                 .xShmUnmap = shm_unmap,
                                 .xFetch = nullptr,
                                 .xUnfetch = nullptr};

int open(sqlite3_vfs* /*vfs*/, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  File& opened = self(file);
  opened.base.pMethods = nullptr;
  const int error = real->xOpen(real, path, opened.of_system(), flags, out_flags);
  if (error == SQLITE_OK) opened.base.pMethods = &methods;
  return error;
}

int remove(sqlite3_vfs* /*vfs*/, const char* path, int sync_directory) {
  int error = SQLITE_OK;
  if (current->write_comes(error) != FaultyVfs::Fate::whole) return error;
  return real->xDelete(real, path, sync_directory);
}

sqlite3_vfs vfs{};

}  // namespace

FaultyVfs::FaultyVfs() {
  current = this;
  real = sqlite3_vfs_find(nullptr);
  vfs = *real;
  vfs.pNext = nullptr;
  vfs.zName = name;
  vfs.szOsFile = static_cast<int>(sizeof(File)) + real->szOsFile;
  vfs.xOpen = open;
  vfs.xDelete = remove;
  sqlite3_vfs_register(&vfs, 0);
}

FaultyVfs::~FaultyVfs() { sqlite3_vfs_unregister(&vfs); }

bool FaultyVfs::is_filled() const { return !filling_.empty() && std::filesystem::file_size(filling_) > 0; }

FaultyVfs::Fate FaultyVfs::write_comes(int& error) {
  ++writes_;
  error = is_filled() || (writes_ >= full_from_ && writes_ < full_to_) ? SQLITE_FULL : error_.load();
  if (error != SQLITE_OK) return Fate::none;
  if (writes_left_ < 0) return Fate::whole;
  error = SQLITE_IOERR;
  if (writes_left_ == 0) return Fate::none;
  return --writes_left_ == 0 ? Fate::half : Fate::whole;
}

}  // namespace pubsub_mqtt::store
