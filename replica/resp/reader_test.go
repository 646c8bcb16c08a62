package resp

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// chunks gives its input in pieces of the given sizes, over and over.
type chunks struct {
	rest  []byte
	sizes []byte
	i     int
}

func (c *chunks) Read(b []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := 1
	if len(c.sizes) > 0 {
		n = int(c.sizes[c.i%len(c.sizes)]) + 1
		c.i++
	}
	n = copy(b, c.rest[:min(n, len(c.rest))])
	c.rest = c.rest[n:]
	return n, nil
}

// readAll takes everything out of src, and checks that the buffer stays bounded.
func readAll(t interface{ Fatalf(string, ...any) }, src io.Reader, l *Limits) ([][]string, error) {
	r := NewReader(src, l)
	r.from = 40 // larger arguments have memory of their own
	var all [][]string
	for {
		args, ok, err := r.Next()
		if err != nil {
			return all, err
		}
		if ok {
			all = append(all, texts(args))
			continue
		}
		if err := r.Fill(); err != nil {
			return all, err
		}
		if most := 2*max(l.Command+2*maxHeader, l.Inline) + l.Input; cap(r.buf) > most {
			t.Fatalf("the buffer has %d bytes, more than %d", cap(r.buf), most)
		}
	}
}

func texts(args [][]byte) []string {
	var out []string
	for _, a := range args {
		out = append(out, string(a))
	}
	return out
}

func smallLimits() *Limits {
	l := DefaultLimits()
	l.Args, l.Bulk, l.Command, l.Inline, l.Input = 16, 200, 400, 100, 512
	return &l
}

// FuzzReader: no input panics or makes the buffer grow without bound, and how the
// input is cut into reads changes nothing.
func FuzzReader(f *testing.F) {
	for _, s := range []string{
		"*1\r\n$4\r\nPING\r\n", "PING\r\n", "*2\r\n$3\r\nGET\r\n$1\r\na\r\nset a \"b c\"\r\n", "*0\r\n*-1\r\n\r\n",
		"*1\r\n$0\r\n\r\n", "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$150\r\n" + strings.Repeat("x", 150) + "\r\n", "set 'a\\'b' \"\\x41\"\n",
		"*1\r\n$201\r\n", "*17\r\n", "$4\r\n", "*1\r\n:1\r\n", strings.Repeat("*1\r\n$1\r\na\r\n", 200),
		strings.Repeat("*1\r\n$6\r\nabcdef\r\n", 256), // the buffer is full at the end of a command, again and again
	} {
		f.Add([]byte(s), []byte{0})
		f.Add([]byte(s), []byte{6, 0, 255})
	}
	f.Fuzz(func(t *testing.T, in, sizes []byte) {
		l := smallLimits()
		whole, err1 := readAll(t, bytes.NewReader(in), l)
		parts, err2 := readAll(t, &chunks{rest: in, sizes: sizes}, l)
		if !slices.EqualFunc(whole, parts, slices.Equal[[]string]) {
			t.Fatalf("read at once %q, in parts %q", whole, parts)
		}
		if err1.Error() != err2.Error() {
			t.Fatalf("read at once %v, in parts %v", err1, err2)
		}
	})
}

// TestReaderReadsWhatWasWritten, however it is cut.
func TestReaderReadsWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		command := rapid.SliceOfN(rapid.StringN(0, 30, 60), 1, 6)
		want := rapid.SliceOfN(command, 0, 12).Draw(t, "commands")
		var in []byte
		for _, c := range want {
			in = append(in, "*"+strconv.Itoa(len(c))+"\r\n"...)
			for _, a := range c {
				in = append(in, "$"+strconv.Itoa(len(a))+"\r\n"+a+"\r\n"...)
			}
		}
		sizes := rapid.SliceOf(rapid.Byte()).Draw(t, "sizes")
		got, err := readAll(t, &chunks{rest: in, sizes: sizes}, smallLimits())
		if !errors.Is(err, io.EOF) || !slices.EqualFunc(got, want, slices.Equal[[]string]) {
			t.Fatalf("wrote %q, read %q, %v", want, got, err)
		}
	})
}

// TestInlineReadsWhatWasQuoted: any bytes come through double quotes.
func TestInlineReadsWhatWasQuoted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 12), 1, 4).Draw(t, "args")
		line := ""
		for _, a := range want {
			line += ` "`
			for _, c := range a {
				if c < ' ' || c > '~' || c == '"' || c == '\\' {
					line += `\x` + string("0123456789abcdef"[c>>4]) + string("0123456789ABCDEF"[c&15])
				} else {
					line += string(rune(c))
				}
			}
			line += `"`
		}
		got, ok := splitLine([]byte(line), nil)
		if !ok || !slices.EqualFunc(got, want, bytes.Equal) {
			t.Fatalf("%s: got %q, want %q", line, got, want)
		}
	})
}

// TestAnnouncedLengthReservesNothing: memory follows what has arrived.
func TestAnnouncedLengthReservesNothing(t *testing.T) {
	l := DefaultLimits()
	r := NewReader(strings.NewReader("*2\r\n$8000000\r\n"+strings.Repeat("x", l.Input)), &l)
	for r.Fill() == nil {
		if _, ok, err := r.Next(); ok || err != nil {
			t.Fatalf("got a command or %v", err)
		}
	}
	if cap(r.buf) > 4*l.Input || cap(r.bulk.b) > LargeArg {
		t.Errorf("%d bytes made a buffer of %d and an argument of %d", l.Input, cap(r.buf), cap(r.bulk.b))
	}
}

// TestLargeBufferIsLetGo once the command that needed it has gone.
func TestLargeBufferIsLetGo(t *testing.T) {
	l := DefaultLimits()
	big := strings.Repeat("x", 1<<20)
	src := io.MultiReader(strings.NewReader("*1\r\n$1048576\r\n"+big+"\r\n"), strings.NewReader("PING\r\n"))
	r := NewReader(src, &l)
	for n := 0; n < 2; {
		_, ok, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			n++
			continue
		}
		if err := r.Fill(); err != nil {
			t.Fatal(err)
		}
	}
	if cap(r.buf) > l.Input {
		t.Errorf("the buffer still has %d bytes", cap(r.buf))
	}
}

// sizes notes how much is written at once.
type sizes struct{ most, total int }

func (s *sizes) Write(b []byte) (int, error) {
	s.most, s.total = max(s.most, len(b)), s.total+len(b)
	return len(b), nil
}

// TestWriterHoldsLittle: a long array leaves in parts.
func TestWriterHoldsLittle(t *testing.T) {
	var s sizes
	w := NewWriter(&s, 1000)
	w.Array(1000)
	for range 1000 {
		w.Text("0123456789")
	}
	if err := w.Flush(); err != nil || s.total != 7+1000*17 || s.most > 1000+17 {
		t.Errorf("wrote %d bytes, up to %d at once, %v", s.total, s.most, err)
	}
}

func TestParseInt(t *testing.T) {
	for in, want := range map[string]int64{
		"0": 0, "7": 7, "9223372036854775807": 1<<63 - 1, "-9223372036854775808": -1 << 63, "-12": -12,
	} {
		if n, ok := ParseInt([]byte(in)); !ok || n != want {
			t.Errorf("%s: %d, %t", in, n, ok)
		}
	}
	for _, in := range []string{"", "-", "-0", "00", "007", "-07", "+1", " 1", "1 ", "1.0", "9223372036854775808", "-9223372036854775809", "99999999999999999999", "0x1"} {
		if n, ok := ParseInt([]byte(in)); ok {
			t.Errorf("%q was read as %d", in, n)
		}
	}
}

// TestGlobAgreesWithItsTwin, ten lines that try everything.
