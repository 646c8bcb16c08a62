package history

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage/codec"
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

// encode is the header's only encoding. Names and prefixes are bytes: they need not be
// UTF-8.
func (h *Header) encode() []byte {
	e := codec.Encode(nil).Array(headerElements)
	e.Bytes(h.Cluster).Bytes(h.Leader).Uint(uint64(h.At)).Bytes(h.Prefix).Bytes(h.Policy.Default.String())
	shadows := h.Policy.Shadows.Names()
	e.Array(len(shadows))
	for _, s := range shadows {
		e.Bytes(s)
	}
	e.Array(2 * len(h.Policy.Rules))
	for _, r := range h.Policy.Rules {
		e.Bytes(r.Prefix).Bytes(r.Resolver.String())
	}
	e.Frontier(h.UpTo)
	e.Array(2 * len(h.Names))
	for _, n := range h.Names {
		e.Uint(uint64(n.Origin)).Bytes(n.Leader)
	}
	return e.Done()
}

// decodeHeader reads what encode wrote and nothing else. What is canonical and still
// not written so, such as resolvers out of order, is found by encoding it again.
func decodeHeader(b []byte) (Header, error) {
	if len(b) > maxHeader {
		return Header{}, fmt.Errorf("history: a header of %d bytes; the limit is %d", len(b), maxHeader)
	}
	d := codec.NewDecoder("header", b)
	d.Tuple(headerElements)
	h := Header{Cluster: d.Bytes(maxWord), Leader: d.Bytes(maxWord), At: wallclock.Instant(d.Uint()), Prefix: d.Bytes(maxWord)}
	h.Policy.Default = decodeResolver(d)
	for range d.Array(len(resolve.IDs())) {
		h.Policy.Shadows |= decodeResolver(d).Mask()
	}
	for range d.Array(2*maxRules) / 2 {
		h.Policy.Rules = append(h.Policy.Rules, resolve.Rule{Prefix: d.Bytes(maxWord), Resolver: decodeResolver(d)})
	}
	h.UpTo = d.Frontier()
	for range d.Array(2*maxNames) / 2 {
		h.Names = append(h.Names, Name{logical.Origin(d.Uint()), d.Bytes(maxWord)})
	}
	if !d.Failed() {
		d.Require(bytes.Equal(h.encode(), b), "it is not written as this program writes it")
	}
	if err := d.End(); err != nil {
		return Header{}, fmt.Errorf("history: the header cannot be read: %w", err)
	}
	return h, nil
}

func decodeResolver(d *codec.Decoder) resolve.ID {
	name := d.Bytes(maxWord)
	if d.Failed() {
		return 0
	}
	id, err := resolve.ParseID(name)
	if err != nil {
		d.Fail("%v", err)
	}
	return id
}
