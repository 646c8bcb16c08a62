package resp

import "errors"

// ErrDraining is what an Engine wraps when it takes no more requests because
// its leader is about to stop.
var ErrDraining = errors.New("this leader is draining")
