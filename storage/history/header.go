package history

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/vmihailenco/msgpack/v5"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
	"kvd/wallclock"
)

// Header says what a file holds the history of.
type Header struct {
	Cluster string            // empty: not known
	Leader  string            // whose log was read; empty: not known
	At      wallclock.Instant // when, by the reader's clock
	Prefix  string            // ops of other keys were left out
	Policy  resolve.Policy    // who served and who watched; Pick and Mistaken are not kept
	UpTo    logical.Frontier  // what was applied then
	Names   []Name            // whose the origins are, as far as known; by origin
}

// Name is the leader behind an origin.
type Name struct {
	Origin logical.Origin
	Leader string
}

// Limits of a header.
const (
	maxHeader = 1 << 20 // bytes
	maxWord   = 64 << 10
	maxNames  = 1 << 16
	maxRules  = 1 << 16
)

// headerElements is the length of the outer array:
//
//	cluster, leader, at, prefix, default, [shadow …], [prefix, resolver …], [origin, seq …], [origin, name …]
//
// Resolvers are named, origins are numbers.
const headerElements = 9

// Validate sorts the names, and refuses a header that could not be read again.
func (h *Header) Validate() error {
	if err := h.Policy.Validate(); err != nil {
		return err
	}
	slices.SortFunc(h.Names, func(a, b Name) int { return cmp.Compare(a.Origin, b.Origin) })
	for i := range h.Names {
		if h.Names[i].Origin == 0 || i > 0 && h.Names[i].Origin == h.Names[i-1].Origin {
			return fmt.Errorf("history: origin %s is named twice or is none", h.Names[i].Origin)
		}
	}
	_, err := decodeHeader(h.encode())
	return err
}

// encode is the header's only encoding. The writer is a buffer, which takes
// everything.
func (h *Header) encode() []byte {
	var b bytes.Buffer
	e := msgpack.NewEncoder(&b)
	e.UseCompactInts(true)
	list := func(n int) { _ = e.EncodeArrayLen(n) }
	text := func(s string) { _ = e.EncodeBytes(append([]byte{}, s...)) }
	number := func(n uint64) { _ = e.EncodeUint(n) }
	list(headerElements)
	text(h.Cluster)
	text(h.Leader)
	number(uint64(h.At))
	text(h.Prefix)
	text(h.Policy.Default.String())
	shadows := h.Policy.Shadows.Names()
	list(len(shadows))
	for _, s := range shadows {
		text(s)
	}
	list(2 * len(h.Policy.Rules))
	for _, r := range h.Policy.Rules {
		text(r.Prefix)
		text(r.Resolver.String())
	}
	list(2 * h.UpTo.Len())
	for d := range h.UpTo.All() {
		number(uint64(d.Origin))
		number(uint64(d.Seq))
	}
	list(2 * len(h.Names))
	for _, n := range h.Names {
		number(uint64(n.Origin))
		text(n.Leader)
	}
	return b.Bytes()
}

// decodeHeader reads what encode wrote and nothing else: what encodes otherwise
// was not written by us.
func decodeHeader(b []byte) (Header, error) {
	if len(b) > maxHeader {
		return Header{}, fmt.Errorf("history: a header of %d bytes; the limit is %d", len(b), maxHeader)
	}
	r := headerReader{dec: msgpack.NewDecoder(bytes.NewReader(b))}
	if n := r.list(headerElements); r.err == nil && n != headerElements {
		r.err = errors.New("it has another number of fields")
	}
	h := Header{Cluster: r.text(), Leader: r.text(), At: wallclock.Instant(r.number()), Prefix: r.text()}
	h.Policy.Default = r.resolver()
	for range r.list(len(resolve.IDs())) {
		h.Policy.Shadows |= r.resolver().Mask()
	}
	for range r.list(2*maxRules) / 2 {
		h.Policy.Rules = append(h.Policy.Rules, resolve.Rule{Prefix: r.text(), Resolver: r.resolver()})
	}
	for range r.list(2*storage.MaxDeps) / 2 {
		h.UpTo.Advance(logical.Dot{Origin: logical.Origin(r.number()), Seq: logical.Seq(r.number())})
	}
	for range r.list(2*maxNames) / 2 {
		h.Names = append(h.Names, Name{logical.Origin(r.number()), r.text()})
	}
	if r.err == nil && !bytes.Equal(h.encode(), b) {
		r.err = errors.New("it is not written as this program writes it")
	}
	if r.err != nil {
		return Header{}, fmt.Errorf("history: the header cannot be read: %w", r.err)
	}
	return h, nil
}

// headerReader reads fields until the first that is wrong; then all are zero.
type headerReader struct {
	dec *msgpack.Decoder
	err error
}

// list is the length of an array.
func (r *headerReader) list(most int) int {
	if r.err != nil {
		return 0
	}
	n, err := r.dec.DecodeArrayLen()
	if err == nil && (n < 0 || n > most) {
		err = fmt.Errorf("a list of %d; the limit is %d", n, most)
	}
	if r.err = err; err != nil {
		return 0
	}
	return n
}

// text is bytes: names and prefixes need not be UTF-8.
func (r *headerReader) text() string {
	if r.err != nil {
		return ""
	}
	n, err := r.dec.DecodeBytesLen()
	if err == nil && (n < 0 || n > maxWord) {
		err = fmt.Errorf("a word of %d bytes; the limit is %d", n, maxWord)
	}
	if r.err = err; err != nil {
		return ""
	}
	text := make([]byte, n)
	_, r.err = io.ReadFull(r.dec.Buffered(), text)
	return string(text)
}

func (r *headerReader) number() (n uint64) {
	if r.err == nil {
		n, r.err = r.dec.DecodeUint64()
	}
	return n
}

func (r *headerReader) resolver() (id resolve.ID) {
	name := r.text()
	if r.err == nil {
		id, r.err = resolve.ParseID(name)
	}
	return id
}
