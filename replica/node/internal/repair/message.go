package repair

import (
	"fmt"

	"kvd/logical"
	"kvd/replica/wire"
	"kvd/resolve"
	"kvd/resolve/limits"
	"kvd/storage/codec"
	"kvd/storage/riblt"
)

// kind is what a message is.
type kind uint64

// The kinds. Their numbers are on the wire; new ones go at the end.
const (
	askCompare kind = 1 + iota
	askMore
	askFetch
	tellSymbols
	tellRows
	tellRefused
	kinds
)

// message is any of them; what a kind does not carry is zero.
type message struct {
	kind kind
	id   uint64 // of the question; its answer has the same

	span     span             // askCompare; of tellSymbols: where the range really ends
	frontier logical.Frontier // of the cut
	policy   string           // askCompare

	from, n int            // askMore: which symbols
	symbols []riblt.Symbol // tellSymbols

	keys  []string // askFetch: by key
	items []uint64 // and by item of the receiver
	rows  []row    // tellRows; what did not fit is asked again

	why string // tellRefused
}

// span is the keys with a prefix that come after one and not after another.
type span struct {
	seed   seed
	prefix string
	after  string // empty: from the first on
	to     string // the last
	open   bool   // there is no last: to the end
}

// row is what a leader has of a key.
type row struct {
	key       string
	item      uint64   // that it was found by in its holder's table; zero: that has none
	explained bool     // it has ops of the key beyond the asker's cut, or has changed since
	object    []byte   // as it is stored; empty: there is none
	ops       [][]byte // those of its versions, and what they name, that the log has
	large     bool     // it has, and that is too much to be sent
}

// Limits of one message.
const (
	maxAnswer  = wire.MaxRepair - 64<<10 // of rows; the last one may be as long as what is left allows
	maxFetch   = 1024                    // keys and items of one question
	maxSymbols = 1 << 15                 // of one answer
	maxOps     = 1024                    // of one row
	maxWhy     = 512
)

func (m *message) encode() []byte {
	e := codec.Encode(nil)
	switch m.kind {
	case askCompare:
		s := &m.span
		e.Array(10).Uint(uint64(m.kind)).Uint(m.id).Uint(s.seed.hash).Uint(uint64(s.seed.check)).Bytes(s.prefix).Bytes(s.after).Bytes(s.to).Uint(codec.Flag(s.open, 1)).Text(m.policy).Frontier(m.frontier)
	case askMore:
		e.Array(4).Uint(uint64(m.kind)).Uint(m.id).Uint(uint64(m.from)).Uint(uint64(m.n))
	case askFetch:
		e.Array(4).Uint(uint64(m.kind)).Uint(m.id).Array(len(m.keys))
		for _, k := range m.keys {
			e.Bytes(k)
		}
		e.Array(len(m.items))
		for _, it := range m.items {
			e.Uint(it)
		}
	case tellSymbols:
		e.Array(5).Uint(uint64(m.kind)).Uint(m.id).Bytes(m.span.to).Uint(codec.Flag(m.span.open, 1)).Bytes(string(riblt.Append(nil, m.symbols)))
	case tellRows:
		e.Array(3).Uint(uint64(m.kind)).Uint(m.id).Array(len(m.rows))
		for i := range m.rows {
			m.rows[i].encode(e)
		}
	case tellRefused:
		e.Array(3).Uint(uint64(m.kind)).Uint(m.id).Text(m.why)
	}
	return e.Done()
}

func (r *row) encode(e *codec.Encoder) {
	e.Array(5).Bytes(r.key).Uint(r.item).Uint(codec.Flag(r.explained, 1) | codec.Flag(r.large, 2)).Bytes(string(r.object)).Array(len(r.ops))
	for _, op := range r.ops {
		e.Bytes(string(op))
	}
}

func decode(b []byte) (*message, error) {
	d := codec.NewDecoder("repair message", b)
	n := d.Array(10)
	m := &message{kind: kind(d.Uint()), id: d.Uint()}
	want := map[kind]int{askCompare: 10, askMore: 4, askFetch: 4, tellSymbols: 5, tellRows: 3, tellRefused: 3}[m.kind]
	d.Require(n == want, "the number of elements is not that of the kind")
	switch m.kind {
	case askCompare:
		m.span = span{seed: seed{d.Uint(), riblt.Key(d.Uint())}, prefix: d.Bytes(limits.Key), after: d.Bytes(limits.Key), to: d.Bytes(limits.Key), open: flag(d)}
		m.policy, m.frontier = d.Text(wire.MaxPolicy), d.Frontier()
	case askMore:
		m.from, m.n = int(d.Uint32()), int(d.Uint32())
		d.Require(m.n > 0 && m.n <= maxSymbols && m.from <= mostSymbols, "symbols beyond what there are")
	case askFetch:
		for range d.Array(maxFetch) {
			m.keys = append(m.keys, d.Bytes(limits.Key))
		}
		for range d.Array(maxFetch) {
			m.items = append(m.items, d.Uint())
		}
	case tellSymbols:
		m.span.to, m.span.open = d.Bytes(limits.Key), flag(d)
		symbols, err := riblt.Read([]byte(d.Bytes(wire.MaxRepair)))
		d.Require(err == nil && len(symbols) <= maxSymbols, "symbols cannot be read")
		m.symbols = symbols
	case tellRows:
		for range d.Array(2 * maxFetch) {
			m.rows = append(m.rows, decodeRow(d))
		}
	case tellRefused:
		m.why = d.Text(maxWhy)
	default:
		d.Fail("the kind is not known to this version of the program")
	}
	return m, d.End()
}

func decodeRow(d *codec.Decoder) (r row) {
	d.Tuple(5)
	r.key, r.item = d.Bytes(limits.Key), d.Uint()
	flags := d.Uint()
	d.Require(flags < 4, "a row is marked as nobody knows")
	r.explained, r.large = flags&1 != 0, flags&2 != 0
	r.object = []byte(d.Bytes(wire.MaxRepair))
	for range d.Array(maxOps) {
		r.ops = append(r.ops, []byte(d.Bytes(wire.MaxRepair)))
	}
	return r
}

func flag(d *codec.Decoder) bool {
	n := d.Uint()
	d.Require(n <= 1, "a flag is neither 0 nor 1")
	return n == 1
}

// decodeObject is the row's object.
func (r *row) decodeObject() (*resolve.Object, error) {
	if len(r.object) == 0 {
		return &resolve.Object{Key: r.key}, nil
	}
	return codec.DecodeStored(r.object, r.key)
}

// decodeOps is the row's ops by dot; those of other keys show that the object is wrong.
func (r *row) decodeOps() (map[logical.Dot]*resolve.Op, error) {
	all := map[logical.Dot]*resolve.Op{}
	for _, b := range r.ops {
		op, err := codec.DecodeOp(b)
		if err != nil {
			return nil, fmt.Errorf("op of %.64q: %w", r.key, err)
		}
		all[op.Dot] = op
	}
	return all, nil
}
