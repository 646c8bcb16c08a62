package resp

import "kvd/resolve/limits"

// What a client may send before it has authenticated, as in Redis.
const (
	UnauthArgs = 10
	UnauthBulk = 16 << 10
)

// Limits bound what a Reader takes for one command. Beyond them the command is
// passed over, or the connection given up where the stream cannot go on.
type Limits struct {
	Args    int // arguments
	Bulk    int // bytes of one argument
	Command int // bytes of all of it
	Inline  int // bytes of one typed as a line
	Input   int // bytes of the input buffer between large commands
}

// DefaultLimits admit the largest value that a leader stores.
func DefaultLimits() Limits {
	return Limits{Args: 1 << 20, Bulk: limits.Value, Command: limits.Request, Inline: 64 << 10, Input: 4 << 10}
}
