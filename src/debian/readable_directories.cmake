# Runs before the package is made of what was installed: CMake gives folders the mode that the umask leaves of it.
file(GLOB_RECURSE directories LIST_DIRECTORIES true ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/*)
list(FILTER directories EXCLUDE REGEX "/DEBIAN($|/)")
foreach(directory ${directories})
  if(IS_DIRECTORY ${directory})
    file(CHMOD ${directory} DIRECTORY_PERMISSIONS ${CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS})
  endif()
endforeach()
