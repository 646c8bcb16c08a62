package exported

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
	"unicode/utf8"

	"kvd/resolve"
	"kvd/storage/file"
)

// format is what the first line of a file says that it is.
const format = "kvd unshared writes 1"

// Header says whose writes a file has, and why they are there.
type Header struct {
	Export  string    `json:"export"` // filled in by Create
	Cluster string    `json:"cluster"`
	Leader  string    `json:"leader"` // whose log they are from
	Because string    `json:"because"`
	Written time.Time `json:"written"`
	Asked   []string  `json:"asked"`   // the leaders that have none of them
	Unasked []string  `json:"unasked"` // those that may have some: they could not be reached
}

// Write is one write as a line has it.
type Write struct {
	Dot         string    `json:"dot"`
	Key         *string   `json:"key,omitempty"`
	KeyBase64   []byte    `json:"key_base64,omitempty"`
	Kind        string    `json:"kind"`            // resolve.Kind in words
	Value       *string   `json:"value,omitempty"` // what the key held afterwards; of a put and an addition
	ValueBase64 []byte    `json:"value_base64,omitempty"`
	Delta       string    `json:"delta,omitempty"` // what was added, decimal
	Wall        time.Time `json:"wall"`            // by the clock of the leader that accepted it
	Expires     time.Time `json:"expires,omitzero"`
	Client      uint64    `json:"client,omitempty,string"` // the retry identity; zero: none was given
	Request     uint64    `json:"request,omitempty,string"`
	Parents     []string  `json:"parents"` // dots that its author had been shown
}

// end is the last line.
type end struct {
	End    bool   `json:"end"`
	Writes uint64 `json:"writes"`
}

func (w *Write) set(op *resolve.Op) {
	*w = Write{Dot: op.Dot.String(), Kind: op.Kind.String(), Wall: op.Wall.Midpoint().Time(), Client: op.Client, Request: op.Request, Parents: w.Parents[:0]}
	w.Key, w.KeyBase64 = textOrBytes([]byte(op.Key))
	if op.Kind == resolve.Put || op.Kind == resolve.Add {
		w.Value, w.ValueBase64 = textOrBytes(op.Value)
	}
	if op.Kind == resolve.Add {
		w.Delta = op.Delta.String()
	}
	if op.Expires != 0 {
		w.Expires = op.Expires.Time()
	}
	for _, d := range op.Parents {
		w.Parents = append(w.Parents, d.String())
	}
}

func textOrBytes(b []byte) (*string, []byte) {
	if !utf8.Valid(b) {
		return nil, b
	}
	text := string(b)
	return &text, nil
}

// Writer writes one file. Whoever created it calls Finish or Abort.
type Writer struct {
	path   string
	file   *os.File // nil: closed
	buffer *bufio.Writer
	json   *json.Encoder
	line   Write
	writes uint64
}

// unfinished is what the name of a file ends with that is not whole.
const unfinished = ".part"

// Create begins a file under another name. What a writer that was ended in the middle left
// of it is gone.
func Create(path string, h *Header) (*Writer, error) {
	f, err := os.OpenFile(path+unfinished, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("export writes: %w", err)
	}
	w := &Writer{path: path, file: f, buffer: bufio.NewWriterSize(f, 1<<18)}
	w.json = json.NewEncoder(w.buffer)
	w.json.SetEscapeHTML(false)
	h.Export = format
	return w, w.put(h)
}

// put writes a line. After an error there is no file.
func (w *Writer) put(line any) error {
	if err := w.json.Encode(line); err != nil {
		return errors.Join(fmt.Errorf("export writes: %w", err), w.Abort())
	}
	return nil
}

// Put adds a write, which must come after what it depends on. The op stays the caller's.
// After an error the file is gone.
func (w *Writer) Put(op *resolve.Op) error {
	w.line.set(op)
	w.writes++
	return w.put(&w.line)
}

// Writes is how many were put.
func (w *Writer) Writes() uint64 { return w.writes }

// Finish ends the file, syncs it and gives it its name. When it fails, no file is left
// behind.
func (w *Writer) Finish() error {
	if err := w.put(&end{true, w.writes}); err != nil {
		return err
	}
	err := w.buffer.Flush()
	if err == nil {
		err = w.file.Sync()
	}
	if err == nil {
		err = w.file.Close()
	}
	if err == nil {
		w.file = nil
		err = os.Rename(w.path+unfinished, w.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("export writes: %w", err), w.Abort())
	}
	return file.SyncDir(filepath.Dir(w.path))
}

// Abort takes back what was written. After Finish, or another Abort, it does nothing.
func (w *Writer) Abort() error {
	if w.file != nil {
		_ = w.file.Close() // it is removed
		w.file = nil
	}
	if err := os.Remove(w.path + unfinished); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
