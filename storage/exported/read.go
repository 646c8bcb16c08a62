package exported

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"

	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/limits"
)

// File is exported writes that can be gone through repeatedly.
type File struct {
	Header
	Writes uint64 // how many there are
	path   string
	err    error
}

// Open reads the header and looks whether the file is whole: it goes through all of it once.
func Open(path string) (*File, error) {
	f := &File{path: path}
	err := f.lines(func(line []byte) (bool, error) {
		if f.Export == "" {
			return true, f.readHeader(line)
		}
		f.Writes++
		return true, nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func (f *File) readHeader(line []byte) error {
	if err := json.Unmarshal(line, &f.Header); err != nil || f.Export != format {
		return fmt.Errorf("it does not begin with a line that says %q: it is no file of exported writes", format)
	}
	return nil
}

// errCut says that a file ends too early.
var errCut = errors.New("it has no last line that fits: it was cut off, or changed; copy it again from the data directory of its leader")

// lines yields every line but the last until yield answers false, and holds the last against
// what came before it. Lines are lent.
func (f *File) lines(yield func(line []byte) (more bool, err error)) error {
	file, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer file.Close()
	in := bufio.NewReaderSize(file, 1<<18)
	before, after := []byte(nil), []byte(nil) // a line is known not to be the last when another follows
	for n := uint64(0); ; n++ {
		after, err = readLine(in, after[:0])
		if errors.Is(err, io.EOF) {
			var e end
			if json.Unmarshal(before, &e) != nil || !e.End || e.Writes+2 != n {
				return errCut
			}
			return nil
		}
		if err != nil {
			return err
		}
		if n > 0 {
			if more, err := yield(before); err != nil || !more {
				return err
			}
		}
		before, after = after, before
	}
}

// maxLine is more than the largest value takes when each byte of it is escaped.
const maxLine = 8 * limits.Value

// readLine appends a whole line to dst; io.EOF: there is none.
func readLine(in *bufio.Reader, dst []byte) ([]byte, error) {
	for {
		part, err := in.ReadSlice('\n')
		if dst = append(dst, part...); len(dst) > maxLine {
			return dst, fmt.Errorf("a line has more than %d bytes", maxLine)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return dst, err
		}
	}
}

// All yields the writes. Each is the caller's. How far it came, Err says.
func (f *File) All() iter.Seq[*Write] {
	return func(yield func(*Write) bool) {
		header := true
		f.err = f.lines(func(line []byte) (bool, error) {
			if header {
				header = false
				return true, nil
			}
			w := &Write{}
			if err := json.Unmarshal(line, w); err != nil {
				return false, fmt.Errorf("a line cannot be read: %w", err)
			}
			if err := w.check(); err != nil {
				return false, err
			}
			return yield(w), nil
		})
	}
}

// Err is why the last All ended early; nil: it did not.
func (f *File) Err() error { return f.err }

// check refuses what no writer writes.
func (w *Write) check() error {
	_, err := logical.ParseDot(w.Dot)
	for i := 0; i < len(w.Parents) && err == nil; i++ {
		_, err = logical.ParseDot(w.Parents[i])
	}
	if err == nil && w.Kind == resolve.Add.String() {
		_, err = strconv.ParseInt(w.Delta, 10, 64)
	}
	if err == nil && w.Key == nil && w.KeyBase64 == nil {
		err = errors.New("there is no key")
	}
	if err != nil {
		return fmt.Errorf("the line of write %.64q cannot be read: %w", w.Dot, err)
	}
	return nil
}

// KeyText is the key.
func (w *Write) KeyText() string { return bytesOr(w.Key, w.KeyBase64) }

// ValueText is the value.
func (w *Write) ValueText() string { return bytesOr(w.Value, w.ValueBase64) }

func bytesOr(text *string, b []byte) string {
	if text != nil {
		return *text
	}
	return string(b)
}
