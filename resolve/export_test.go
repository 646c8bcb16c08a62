package resolve

import "kvd/logical"

// DotSetHas is setOf and has.
func DotSetHas(dots []logical.Dot, d logical.Dot) bool { return setOf(dots).has(d) }
