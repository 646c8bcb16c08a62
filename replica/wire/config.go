package wire

import (
	"errors"
	"fmt"

	"kvd/resolve"
)

// Codec writes and reads one op. Both must be canonical: what DecodeOp accepts,
// AppendOp writes back byte for byte.
type Codec struct {
	// AppendOp appends op's encoding to dst, which it may grow. It keeps neither.
	AppendOp func(dst []byte, op *resolve.Op) []byte
	// DecodeOp reads all of b or fails. The op must share no memory with b, which
	// is reused.
	DecodeOp func(b []byte) (*resolve.Op, error)
}

// Limits of what a greeting may hold, in bytes, and of a frontier, in origins.
const (
	MaxName     = 255
	MaxAddress  = 255
	MaxPolicy   = 64 << 10
	MaxDetail   = 4 << 10
	MaxOrigins  = 4096
	MaxGreeting = 256 << 10 // the body of a Hello, Welcome or Refuse
)

// DefaultMaxFrame is 4 MiB and one op with a value of 1 MiB.
const DefaultMaxFrame = 4<<20 + 1<<20 + 128<<10

// OpCharge is what an op is charged beyond its bytes: about what it takes in
// memory once decoded.
const OpCharge = 256

// Charge is what a batch costs of the credit its receiver has granted: its
// unpacked body and its ops. Counting packed bytes would let a few bytes of
// credit buy megabytes of the receiver's memory.
func Charge(bodyBytes, ops int) int { return bodyBytes + OpCharge*ops }

// Config is what both directions need to know.
type Config struct {
	Codec    Codec
	MaxFrame int // bytes of a body, packed or not; 0: DefaultMaxFrame
}

// Validate fills in defaults and refuses what cannot work.
func (c *Config) Validate() error {
	if c.MaxFrame == 0 {
		c.MaxFrame = DefaultMaxFrame
	}
	if c.Codec.AppendOp == nil || c.Codec.DecodeOp == nil {
		return errors.New("wire: no codec for ops; set both Codec.AppendOp and Codec.DecodeOp")
	}
	if c.MaxFrame < 4<<10 || c.MaxFrame > 1<<30 {
		return fmt.Errorf("wire: MaxFrame is %d bytes; set it between 4 KiB and 1 GiB, above the largest op", c.MaxFrame)
	}
	return nil
}
