package wire

import (
	"fmt"

	"kvd/resolve"
	"kvd/resolve/limits"
)

// Limits of what a greeting may hold, in bytes, and of a frontier, in origins.
const (
	MaxName     = 255
	MaxAddress  = 255
	MaxPolicy   = 64 << 10
	MaxDetail   = 4 << 10
	MaxOrigins  = limits.Origins
	MaxNotes    = 64        // of each list of notes in a Status; twice as many sums
	MaxGreeting = 256 << 10 // the body of a Hello, Welcome or Refuse

	MaxPublished = limits.Message // of a published message and its channel
	MaxRepair    = limits.Message // of what is said of repair at once
)

// DefaultMaxFrame takes the largest op there may be, announced.
const DefaultMaxFrame = limits.Frame

// A frame takes an op and its announcement; a greeting its names, and a frontier
// with every origin.
const (
	_ uint = DefaultMaxFrame - (limits.Op + maxBinHead)
	_ uint = DefaultMaxFrame - MaxGreeting
	_ uint = MaxGreeting - (4*MaxName + 2*MaxAddress + MaxPolicy + MaxOrigins*18 + 1<<10)
)

// Charge is what ops cost of the credit their receiver has granted: what they take
// in memory. Counting packed bytes would let a few bytes of credit buy megabytes of
// the receiver's memory.
func Charge(ops []*resolve.Op) (bytes int) {
	for _, op := range ops {
		bytes += op.Footprint()
	}
	return bytes
}

// MaxShared is how large a body of several ops may be: what is larger is one op.
// Credit may be overdrawn by one frame, and many small ops take more memory than
// bytes.
const MaxShared = limits.Batch

// MaxBody is how large one frame's body may be, packed or not. An op that takes more
// goes in parts.
const MaxBody = 4 << 20

const (
	_ uint = MaxBody - 2*MaxShared
	_ uint = MaxBody - MaxGreeting
	_ uint = MaxBody - (MaxPublished + 16)
	_ uint = MaxBody - MaxRepair
)

// Config is what both directions need to know.
type Config struct {
	MaxFrame int // bytes of an op and its announcement, in one frame or in several; 0: DefaultMaxFrame
}

// maxBody is how large one frame's body may be.
func (c *Config) maxBody() int { return min(c.MaxFrame, MaxBody) }

// Validate fills in defaults and refuses what cannot work.
func (c *Config) Validate() error {
	if c.MaxFrame == 0 {
		c.MaxFrame = DefaultMaxFrame
	}
	if c.MaxFrame < 4<<10 || c.MaxFrame > 1<<30 {
		return fmt.Errorf("wire: MaxFrame is %d bytes; set it between 4 KiB and 1 GiB, above the largest op", c.MaxFrame)
	}
	return nil
}
