package opfile

import "kvd/resolve/blackbox"

// Op is one operation of a client.
type Op = blackbox.Op
