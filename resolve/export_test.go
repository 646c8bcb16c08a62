package resolve

// Integer is integer, for a test against the library's own.
func Integer(value []byte) (int64, bool) { return integer(value) }
