"""Git LFS's pointers: small texts that a clone has where nobody has fetched the files themselves."""

POINTER = "version https://git-lfs.github.com/spec/"  # Source: Git LFS, "Specification", The Pointer.
