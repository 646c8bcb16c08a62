package resolve

import "kvd/logical"

// Integer is integer, for a test against the library's own.
func Integer(value []byte) (int64, bool) { return integer(value) }

// DotSetHas is setOf and has.
func DotSetHas(dots []logical.Dot, d logical.Dot) bool { return setOf(dots).has(d) }
