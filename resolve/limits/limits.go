// Package limits is one table of how large things may be, from which every edge
// takes its numbers: what a leader admits, every peer can be sent and every store
// can keep. Each number fits into the next; where that can be seen without a
// configuration, the compiler checks it below. What a leader may be configured
// with otherwise is checked when it is assembled.
//
//	key, value, dots, origins ─▶ op ─▶ frame ─▶ gate ─▶ window ─▶ flight
//	                             └──▶ request ─▶ waiting
//	                             └──▶ stored value
//
// Whoever raises [Value] raises what is derived from it; the rest fails to
// compile until it fits.
package limits

// What one write may be made of. Every listener refuses more, and so does the core.
const (
	Key     = 32 << 10 // bytes
	Value   = 64 << 20 // bytes
	Dots    = 1 << 17  // versions shown, overwritten or hidden, each
	Origins = 4096     // of a frontier, and so of an op's dependencies
	Acks    = Origins  // leaders that a write may be asked to wait for

	Message = 1 << 20 // bytes of what is published at once on a channel, with the channel's name
)

// What ops become.
const (
	// What an op takes is counted in these, see resolve.Op.Size: about that in memory,
	// and no more than that encoded.
	OpBase = 256 // any op, beside its key, its value and what it names
	Dot    = 24  // a dot that it names, or an origin that it depends on
	Total  = 18  // a running total that it names

	// Evidence is what an encoded op takes beyond its key and value: three clocks,
	// the origins it names, dots and running totals. A test of the codec holds the
	// largest op to it.
	Evidence = 9 << 20
	Op       = Key + Value + Evidence // bytes of one op, encoded or in memory
	Batch    = 1 << 20                // bytes of the ops in one message to a peer, unless one op alone is larger
	Frame    = Op + 16                // bytes of a frame's body: a batch is split to frames, an op never is

	// StoredKey and StoredValue are what a store reads and keeps: more than is
	// admitted, so that what another version admitted is still read. It may be more
	// than a frame takes; then the leader says which op cannot be sent.
	StoredKey   = 64 << 10 // bytes
	StoredValue = 80 << 20 // bytes
)

// What is buffered at a time, in bytes of ops or requests as they are in memory. Gate,
// Window, Flight and Queue are exceeded by one op at most: each takes more while it
// holds less, so that an op larger than all of it still finds its way.
const (
	Request = 72 << 20  // one command of a client, with all its arguments
	Shown   = 128 << 20 // values that a client's write leaves side by side for one key
	Waiting = 80 << 20  // requests at one leader that wait for what their token has seen
	Gate    = 20 << 20  // one peer's ops that wait for what they depend on
	Window  = 24 << 20  // what a peer may send before anything of it is applied, or dropped, here
	Flight  = 24 << 20  // sent to one peer and not acknowledged by it
	Queue   = 32 << 20  // that waits for one peer's connection
	Clients = 256 << 20 // all clients' requests and replies, unless another number is configured
)

// Each fits into the next: what does not is negative, and no constant of an
// unsigned type.
const (
	_ uint = Op - (OpBase + Key + Value + Dot*(2*Dots+Origins) + Total*Dots)
	_ uint = Frame - Op
	_ uint = Op - Batch
	_ uint = Gate - Batch
	_ uint = Window - Gate - 1 // a peer whose ops all wait can send what they wait for
	_ uint = Flight - Batch
	_ uint = Queue - Flight
	_ uint = Request - (Key + Value + 4<<20) // a token, and the words of the command
	_ uint = Waiting - Request
	_ uint = Shown - 2*Value
	_ uint = Clients - 3*Request
	_ uint = Clients/4*3 - Shown - Evidence // a quarter is for small things
	_ uint = StoredKey - Key
	_ uint = StoredValue - Value
)
