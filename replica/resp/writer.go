package resp

import (
	"io"
	"math"
	"strconv"
)

// Protocol versions, as HELLO names them.
const (
	RESP2 = 2
	RESP3 = 3
)

// Writer appends replies to a buffer, in RESP2 or RESP3. With a sink it empties
// the buffer whenever it holds more than bound, and sends bytes that are larger from
// where they are; without one the owner takes the bytes.
type Writer struct {
	proto int
	buf   []byte
	sink  io.Writer
	bound int
	err   error // the sink's; everything after it is thrown away
}

// NewWriter writes to sink in batches of about bound bytes.
func NewWriter(sink io.Writer, bound int) *Writer {
	return &Writer{proto: RESP2, sink: sink, bound: bound}
}

// Flush hands everything to the sink. The first failure sticks.
func (w *Writer) Flush() error {
	if w.err == nil && len(w.buf) > 0 {
		_, w.err = w.sink.Write(w.buf)
	}
	w.buf = w.buf[:0]
	if cap(w.buf) > 2*w.bound {
		w.buf = nil
	}
	return w.err
}

// Err is why the sink takes nothing any more; nil: it does.
func (w *Writer) Err() error { return w.err }

// Proto is the version of the protocol that is written.
func (w *Writer) Proto() int { return w.proto }

// Speak changes the version: of all replies from now on.
func (w *Writer) Speak(proto int) { w.proto = proto }

// Len is how many bytes wait in the buffer.
func (w *Writer) Len() int { return len(w.buf) }

// Cap is how many bytes the buffer can take.
func (w *Writer) Cap() int { return cap(w.buf) }

// Bytes is what waits in the buffer. It is valid until the next call.
func (w *Writer) Bytes() []byte { return w.buf }

// Reset empties a buffer that has no sink, and lets go of one larger than retained.
// Zero retains any.
func (w *Writer) Reset(retained int) {
	w.buf = w.buf[:0]
	if retained > 0 && cap(w.buf) > retained {
		w.buf = nil
	}
}

// Shrink lets go of a buffer that holds nothing.
func (w *Writer) Shrink() {
	if len(w.buf) == 0 {
		w.buf = nil
	}
}

// Simple writes a status; it must hold no line end.
func (w *Writer) Simple(s string) {
	w.buf = append(append(append(w.buf, '+'), s...), '\r', '\n')
	w.spill()
}

// Error writes an error. Its text begins with the code, as in "ERR syntax
// error". Line ends in it become blanks: they would end the reply.
func (w *Writer) Error(text string) {
	w.buf = append(w.buf, '-')
	for i := range len(text) {
		c := text[i]
		if c == '\r' || c == '\n' {
			c = ' '
		}
		w.buf = append(w.buf, c)
	}
	w.buf = append(w.buf, '\r', '\n')
	w.spill()
}

// Int writes an integer.
func (w *Writer) Int(n int64) {
	w.buf = append(strconv.AppendInt(append(w.buf, ':'), n, 10), '\r', '\n')
	w.spill()
}

// Bulk writes bytes; nil is an empty string, not a null.
func (w *Writer) Bulk(b []byte) {
	w.head('$', len(b))
	if w.sink != nil && len(b) > w.bound {
		if w.Flush() == nil {
			_, w.err = w.sink.Write(b) // from where it is, instead of copying it
		}
		w.buf = append(w.buf, '\r', '\n')
		return
	}
	w.buf = append(append(w.buf, b...), '\r', '\n')
	w.spill()
}

// Text writes a string as Bulk does.
func (w *Writer) Text(s string) {
	w.head('$', len(s))
	w.buf = append(append(w.buf, s...), '\r', '\n')
	w.spill()
}

// Field writes what the next reply of a map is called.
func (w *Writer) Field(name string) *Writer {
	w.Text(name)
	return w
}

// Lines writes text for people: a verbatim string in RESP3.
func (w *Writer) Lines(s string) {
	if w.proto < RESP3 {
		w.Text(s)
		return
	}
	w.head('=', len(s)+4)
	w.buf = append(append(append(w.buf, "txt:"...), s...), '\r', '\n')
	w.spill()
}

// Null writes that there is no value.
func (w *Writer) Null() { w.null("$-1\r\n") }

// NullArray writes that there is no array.
func (w *Writer) NullArray() { w.null("*-1\r\n") }

func (w *Writer) null(resp2 string) {
	if w.proto >= RESP3 {
		resp2 = "_\r\n"
	}
	w.buf = append(w.buf, resp2...)
	w.spill()
}

// Array begins an array: n replies follow.
func (w *Writer) Array(n int) { w.head('*', n) }

// Map begins a map: n pairs follow, in RESP2 as a flat array.
func (w *Writer) Map(n int) { w.typed('%', n, 2*n) }

// Set begins a set: n replies follow, in RESP2 as an array.
func (w *Writer) Set(n int) { w.typed('~', n, n) }

// Push begins what was not asked for: n replies follow, in RESP2 as an array.
func (w *Writer) Push(n int) { w.typed('>', n, n) }

// typed begins what in RESP2 is an array of flat replies.
func (w *Writer) typed(kind byte, n, flat int) {
	if w.proto < RESP3 {
		kind, n = '*', flat
	}
	w.head(kind, n)
}

// Raw appends replies that another writer of the same protocol has written.
func (w *Writer) Raw(b []byte) {
	w.buf = append(w.buf, b...)
	w.spill()
}

func (w *Writer) head(kind byte, n int) {
	w.buf = append(strconv.AppendInt(append(w.buf, kind), int64(n), 10), '\r', '\n')
}

func (w *Writer) spill() {
	if w.sink != nil && len(w.buf) > w.bound {
		_ = w.Flush() // sticks: Flush tells whoever ends the batch
	}
}

// Buffer is a writer without a sink: its owner takes the bytes.
func Buffer() Writer { return Writer{proto: RESP2, bound: math.MaxInt} }

// Texts writes an array of strings.
func (w *Writer) Texts(all []string) {
	w.Array(len(all))
	for _, s := range all {
		w.Text(s)
	}
}
