package opfile

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"kvd/resolve/blackbox"
)

// Formats is the names of the formats.
func Formats() []string { return []string{"jsonl", "csv", "edn"} }

// FormatOf is the format that a file's name says, jsonl if it says none.
func FormatOf(path string) string {
	ext := strings.TrimPrefix(strings.ToLower(filepath.Ext(path)), ".")
	if slices.Contains(Formats(), ext) {
		return ext
	}
	return "jsonl"
}

// MaxMistakes is how many mistakes of a file are gathered.
const MaxMistakes = 20

// MaxLine is how long a line, a row or a form may be, in bytes.
const MaxLine = 64 << 20

// Mistake is a place in a file that cannot be read.
type Mistake struct {
	Line int
	Why  string // what is there, and what was expected
}

// Mistakes is all that is wrong with a file, as far as was read.
type Mistakes struct {
	Name string
	All  []Mistake
	More bool // reading ended there
}

// Error says each on a line of its own.
func (m *Mistakes) Error() string {
	var b strings.Builder
	for i, one := range m.All {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s:%d: %s", m.Name, one.Line, one.Why)
	}
	if m.More {
		b.WriteString("\nand perhaps more: reading ended there")
	}
	return b.String()
}

// File is a history in a file.
type File struct {
	Path, Name, Format string
	// Once is read instead of the file, which then can be gone through only once.
	Once io.Reader
	// Progress hears now and then how many bytes of this pass were read; nil: nobody does.
	Progress func(pass int, bytes int64)

	pass int
	err  error
}

var _ blackbox.Source = (*File)(nil)

// ErrOnce says that a stream would have to be read twice.
var ErrOnce = errors.New("the history takes more memory than is allowed, and what is read from a pipe can be read only once; write it to a file first, or allow more")

// Err is why the last time ended early.
func (f *File) Err() error { return f.err }

// All goes through the file. Mistakes are gathered, and Err has them.
func (f *File) All() iter.Seq[*blackbox.Op] {
	return func(yield func(*blackbox.Op) bool) {
		f.pass++
		f.err = f.read(yield)
	}
}

// errEnough ends reading without an error of its own.
var errEnough = errors.New("enough")

func (f *File) read(yield func(*blackbox.Op) bool) error {
	in := f.Once
	if in == nil {
		file, err := os.Open(f.Path)
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	} else if f.pass > 1 {
		return ErrOnce
	}
	r := &reading{name: f.Name, yield: yield}
	if f.Progress != nil {
		in = &counted{in, 0, 0, func(n int64) { f.Progress(f.pass, n) }}
	}
	err := r.decode(f.Format, in)
	switch {
	case len(r.mistakes.All) > 0:
		return &r.mistakes
	case errors.Is(err, errEnough):
		return nil
	}
	return err
}

// Decode goes through one history of the format. The error is a *Mistakes, or the
// reader's.
func Decode(format, name string, in io.Reader, yield func(*blackbox.Op) bool) error {
	return (&File{Name: name, Format: format, Once: in}).read(yield)
}

// counted tells how many bytes were read.
type counted struct {
	io.Reader
	n, said int64
	say     func(int64)
}

const sayEvery = 4 << 20

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	if c.n += int64(n); c.n-c.said >= sayEvery {
		c.said = c.n
		c.say(c.n)
	}
	return n, err
}

// reading is a file being read.
type reading struct {
	name     string
	yield    func(*blackbox.Op) bool
	mistakes Mistakes
}

func (r *reading) decode(format string, in io.Reader) error {
	switch format {
	case "csv":
		return r.csv(in)
	case "edn":
		return r.edn(in)
	}
	return r.jsonl(in)
}

// mistake notes one; the error ends reading.
func (r *reading) mistake(line int, why string) error {
	r.mistakes.Name = r.name
	r.mistakes.All = append(r.mistakes.All, Mistake{line, why})
	if r.mistakes.More = len(r.mistakes.All) == MaxMistakes; r.mistakes.More {
		return errEnough
	}
	return nil
}

// put gives one record on as an op.
func (r *reading) put(line int, rec *record) error {
	op, err := rec.op(line)
	if err != nil {
		return r.mistake(line, err.Error())
	}
	if !r.yield(op) {
		return errEnough
	}
	return nil
}

func (r *reading) jsonl(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), MaxLine)
	n := 0
	for lines.Scan() {
		n++
		raw := bytes.TrimSpace(lines.Bytes())
		if len(raw) == 0 {
			continue
		}
		var rec record
		err := strict(raw, &rec)
		switch {
		case err != nil:
			err = r.mistake(n, err.Error())
		case rec.About != "":
		default:
			err = r.put(n, &rec)
		}
		if err != nil {
			return err
		}
	}
	return r.tooLong(lines.Err(), n+1)
}

func (r *reading) tooLong(err error, line int) error {
	if errors.Is(err, bufio.ErrTooLong) {
		return r.mistake(line, fmt.Sprintf("the line is longer than %d bytes", MaxLine))
	}
	return err
}

// strict reads one object, all of whose fields must be known.
func strict(raw []byte, rec *record) error {
	if raw[0] != '{' {
		return fmt.Errorf("an object such as {\"client\":\"c1\",\"op\":\"get\",…} was expected, not %s", short(raw))
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(rec); err != nil {
		return said(err)
	}
	if d.InputOffset() != int64(len(raw)) {
		return fmt.Errorf("one object a line was expected, and more follows: %s", short(raw[d.InputOffset():]))
	}
	return nil
}

// said is what is wrong in the words of the file.
func said(err error) error {
	var wrong *json.UnmarshalTypeError
	why := strings.TrimPrefix(err.Error(), "json: ")
	switch {
	case errors.As(err, &wrong):
		return fmt.Errorf("%s cannot be a %s", wrong.Field, wrong.Value)
	case strings.HasPrefix(why, "unknown field "):
		return fmt.Errorf("%s; known are %s", why, strings.Join(fields, ", "))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the object does not end on its line")
	}
	return errors.New(why)
}

func (r *reading) csv(in io.Reader) error {
	rows := csv.NewReader(bufio.NewReaderSize(in, 64<<10))
	rows.ReuseRecord = true
	header, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		header = slices.Clone(header)
		for i, name := range header {
			header[i] = strings.TrimPrefix(strings.TrimSpace(name), "\ufeff")
			if !slices.Contains(fields, header[i]) {
				return r.mistake(1, fmt.Sprintf("the header names a field %.40q; known are %s", header[i], strings.Join(fields, ", ")))
			}
		}
	}
	for err == nil {
		var row []string
		if row, err = rows.Read(); err != nil {
			break
		}
		line, _ := rows.FieldPos(0)
		rec, wrong := ofRow(header, row)
		if wrong != nil {
			err = r.mistake(line, wrong.Error())
		} else {
			err = r.put(line, rec)
		}
	}
	var parse *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case errors.As(err, &parse):
		return r.mistake(parse.Line, fmt.Sprintf("%v; the header has %d fields", parse.Err, len(header)))
	}
	return err
}

// ofRow is a row as a record.
func ofRow(header, row []string) (*record, error) {
	rec := &record{}
	for i, cell := range row {
		if cell == "" {
			continue
		}
		if err := rec.set(header[i], strings.Clone(cell)); err != nil {
			return nil, fmt.Errorf("%s: %w", header[i], err)
		}
	}
	return rec, nil
}

// set fills in one field from a cell.
func (r *record) set(name, cell string) error {
	switch name {
	case "client":
		r.Client = text(cell)
	case "node":
		r.Node = text(cell)
	case "key":
		r.Key = text(cell)
	case "op":
		r.Op = cell
	case "type":
		r.Type = cell
	case "value":
		return r.Value.cell(cell)
	case "shown":
		return r.Shown.cell(cell)
	case "result":
		return r.Result.cell(cell)
	case "start":
		return r.Start.parse(cell)
	case "end":
		return r.End.parse(cell)
	case "stamp":
		return r.Stamp.parse(cell)
	case "final":
		if cell != "true" && cell != "false" {
			return fmt.Errorf("true or false was expected, not %.40q", cell)
		}
		r.Final = cell == "true"
	}
	return nil
}

// cell reads a list or null as JSON, and the rest as it stands.
func (t *texts) cell(cell string) error {
	if cell[0] != '[' && cell != "null" {
		t.Known, t.Values = true, []string{cell}
		return nil
	}
	return json.Unmarshal([]byte(cell), t)
}
