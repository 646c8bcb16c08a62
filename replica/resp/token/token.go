package token

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"slices"
	"strings"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve/limits"
)

// ErrInvalid is answered to text that is not a token.
var ErrInvalid = errors.New("not a token")

const (
	version  = 1
	maxText  = 4 << 20
	maxDots  = 2048 // dots shown that are listed
	overhead = 64
)

// Token is what a client carries between commands and leaders: what it has
// seen, and, if a command on a key gave it, what it was shown of that key.
type Token struct {
	Seen  replica.Token
	Keyed bool
	Key   string        // Keyed
	Shown []logical.Dot // Keyed: sorted, none twice
}

// String renders the token as URL-safe text without padding, with a version and
// a CRC32C so that a mangled one is refused instead of believed. Equal tokens
// are equal texts. Layout, before base64:
//
//	version 1, flags (1: keyed, 3: keyed with runs)
//	count, then (origin, 8 bytes; seq) ascending     the frontier
//	lamport, wall (8 bytes), count                   the clocks
//	length and bytes of key, count, (origin, seq)…   if keyed; runs where the
//	                                                 dots are more than can be listed
//	CRC32C of all before, 4 bytes big-endian
//
// Numbers without a size are unsigned varints.
func (t Token) String() string {
	b := make([]byte, 0, overhead+len(t.Key)+12*(t.Seen.Frontier.Len()+len(t.Shown)))
	long := len(t.Shown) > maxDots
	b = append(b, version, bit(t.Keyed)|bit(long)<<1)
	b = appendDots(b, t.Seen.Frontier.Len(), t.Seen.Frontier.All())
	b = binary.AppendUvarint(b, uint64(t.Seen.Lamport))
	b = binary.BigEndian.AppendUint64(b, uint64(t.Seen.HLC.Wall))
	b = binary.AppendUvarint(b, uint64(t.Seen.HLC.Count))
	if t.Keyed {
		b = append(binary.AppendUvarint(b, uint64(len(t.Key))), t.Key...)
		if long {
			b = appendRuns(b, t.Shown)
		} else {
			b = appendDots(b, len(t.Shown), slices.Values(t.Shown))
		}
	}
	b = binary.BigEndian.AppendUint32(b, checksum(b))
	return base64.RawURLEncoding.EncodeToString(b)
}

// For is the token of someone who has seen all of seen and was shown dots of
// key.
func For(seen replica.Token, key string, shown []logical.Dot) Token {
	dots := slices.Clone(shown)
	slices.SortFunc(dots, logical.Dot.Compare)
	return Token{Seen: seen, Keyed: true, Key: key, Shown: slices.Compact(dots)}
}

// Parse reads what Token.String wrote, and nothing else: every token has
// one text. It fails with ErrInvalid. The token shares no memory with text.
func Parse(text string) (Token, error) {
	if len(text) > maxText {
		return Token{}, fmt.Errorf("%w: %d bytes are too long; pass on what a command gave", ErrInvalid, len(text))
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return Token{}, fmt.Errorf("%w: it is not URL-safe base64; pass it on unchanged", ErrInvalid)
	}
	if len(raw) < 6 || checksum(raw[:len(raw)-4]) != binary.BigEndian.Uint32(raw[len(raw)-4:]) {
		return Token{}, fmt.Errorf("%w: its checksum does not match; pass it on whole and unchanged", ErrInvalid)
	}
	if raw[0] != version {
		return Token{}, fmt.Errorf("%w: version %d is unknown here; this leader reads version %d", ErrInvalid, raw[0], version)
	}
	d := decoder{b: raw[1 : len(raw)-4]}
	t := d.token()
	if d.bad || len(d.b) > 0 {
		return Token{}, fmt.Errorf("%w: its contents are malformed; ask for a new one", ErrInvalid)
	}
	return t, nil
}

// decoder takes a token apart. After the first fault, everything it gives is
// zero.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) token() Token {
	var t Token
	flags := d.bytes(1)
	t.Seen.Frontier = logical.FrontierOf(d.dots(true)...)
	t.Seen.Lamport = logical.Lamport(d.uvarint())
	t.Seen.HLC.Wall = int64(d.fixed())
	count := d.uvarint()
	d.bad = d.bad || flags[0] > 1 && flags[0] != 3 || count > 1<<32-1
	if d.bad {
		return Token{}
	}
	t.Seen.HLC.Count = uint32(count)
	if flags[0] == 0 {
		return t
	}
	t.Keyed = true
	t.Key = string(d.bytes(d.uvarint()))
	if flags[0] == 3 {
		t.Shown = d.runs()
	} else {
		t.Shown = d.dots(false)
	}
	return t
}

// dots takes a list that ascends, by origin alone if oneEach.
func (d *decoder) dots(oneEach bool) []logical.Dot {
	n, most := d.uvarint(), uint64(maxDots)
	if oneEach {
		most = limits.Origins
	}
	if d.bad || n > most || n*9 > uint64(len(d.b)) {
		d.bad = true
		return nil
	}
	dots := make([]logical.Dot, 0, n)
	for range n {
		dot := d.dot()
		if k := len(dots); d.bad || k > 0 && (dots[k-1].Compare(dot) >= 0 || oneEach && dots[k-1].Origin == dot.Origin) {
			d.bad = true
			return nil
		}
		dots = append(dots, dot)
	}
	return dots
}

func (d *decoder) dot() logical.Dot {
	dot := logical.Dot{Origin: logical.Origin(d.fixed()), Seq: logical.Seq(d.uvarint())}
	d.bad = d.bad || dot.Origin == 0 || dot.Seq == 0
	return dot
}

// fixed takes a number of 8 bytes.
func (d *decoder) fixed() uint64 {
	if b := d.bytes(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// uvarint takes a number in its shortest form.
func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 || n > 1 && d.b[n-1] == 0 {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

// bytes takes n bytes; nil if they are not there.
func (d *decoder) bytes(n uint64) []byte {
	if d.bad || n > uint64(len(d.b)) {
		d.bad = true
		return nil
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func appendDots(b []byte, n int, dots iter.Seq[logical.Dot]) []byte {
	b = binary.AppendUvarint(b, uint64(n))
	for d := range dots {
		b = binary.AppendUvarint(binary.BigEndian.AppendUint64(b, uint64(d.Origin)), uint64(d.Seq))
	}
	return b
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

func bit(on bool) byte {
	if on {
		return 1
	}
	return 0
}
