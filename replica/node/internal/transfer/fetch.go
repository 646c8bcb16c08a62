package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"kvd/storage/disk"
	"kvd/storage/file"
)

// errGone says that the other leader does not hold the state any more that it lent.
var errGone = errors.New("it is not lent any more")

// maxAnswer bounds what is read of an answer that is no file.
const maxAnswer = 64 << 20

// lender is another leader, as it is asked for its state.
type lender struct {
	http *http.Client
	stop func()
}

func newLender(dial func(ctx context.Context) (net.Conn, error)) *lender {
	t := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }, MaxConnsPerHost: 1, DisableCompression: true}
	return &lender{http: &http.Client{Transport: t}, stop: t.CloseIdleConnections}
}

// do sends a request. The caller closes the body of what it returns, which is an answer that
// the other gave willingly.
func (l *lender) do(ctx context.Context, method, where string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://leader"+where, nil)
	if err != nil {
		return nil, err
	}
	res, err := l.http.Do(req)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		return nil, err
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10)) // the code says enough
	err = fmt.Errorf("it answers %s: %s", res.Status, strings.TrimSpace(string(text)))
	if res.StatusCode == http.StatusGone {
		err = errors.Join(errGone, err)
	}
	return nil, err
}

func (l *lender) read(ctx context.Context, method, where string) ([]byte, error) {
	res, err := l.do(ctx, method, where)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return io.ReadAll(io.LimitReader(res.Body, maxAnswer))
}

func (l *lender) ask(ctx context.Context, method, where string, into any) error {
	text, err := l.read(ctx, method, where)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	return err
}

// fetching is one state on its way.
type fetching struct {
	dir      string // where the files go
	lender   *lender
	manifest manifest
	done     *atomic.Int64 // bytes that are here
}

// check refuses a list of files that is none of a store's.
func (m *manifest) check() error {
	if m.ID == "" || len(m.Files) == 0 || len(m.Files) > 1<<20 {
		return fmt.Errorf("a state of %d files is none", len(m.Files))
	}
	for _, f := range m.Files {
		dir, _ := path.Split(f.Name)
		if !filepath.IsLocal(f.Name) || path.Clean(f.Name) != f.Name || dir != "" && dir != disk.LogDir+"/" || f.Bytes < 0 {
			return fmt.Errorf("%.64q, of %d bytes, is no file of a store", f.Name, f.Bytes)
		}
	}
	return nil
}

// present is how many bytes of the state are here, right or wrong.
func (f *fetching) present() (n int64) {
	for _, one := range f.manifest.Files {
		if info, err := os.Stat(f.path(one.Name)); err == nil && info.Size() <= one.Bytes {
			n += info.Size()
		}
	}
	return n
}

func (f *fetching) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

// prepare makes the directory, and removes what does not belong to the state.
func (f *fetching) prepare() error {
	if err := os.MkdirAll(filepath.Join(f.dir, disk.LogDir), 0o700); err != nil {
		return err
	}
	belongs := map[string]bool{".": true, disk.LogDir: true}
	for _, one := range f.manifest.Files {
		belongs[filepath.FromSlash(one.Name)] = true
	}
	return filepath.WalkDir(f.dir, func(path string, _ fs.DirEntry, err error) error {
		name, bad := filepath.Rel(f.dir, path)
		if err == nil && bad == nil && !belongs[name] {
			err = os.RemoveAll(path)
		}
		return errors.Join(err, bad)
	})
}

// all fetches every file, and makes them durable.
func (f *fetching) all(ctx context.Context) error {
	for _, one := range f.manifest.Files {
		if err := f.file(ctx, one); err != nil {
			return fmt.Errorf("fetch %s: %w", one.Name, err)
		}
	}
	return errors.Join(file.SyncDir(filepath.Join(f.dir, disk.LogDir)), file.SyncDir(f.dir))
}

// Breaks of a connection are mended so often for one file, each after a rest.
const (
	maxBreaks = 5
	breakRest = 500 * time.Millisecond
)

// file fetches a file from where it ends here. What has another checksum than it should is
// fetched again from its beginning, once.
func (f *fetching) file(ctx context.Context, one listed) error {
	for breaks, again := 0, false; ; {
		err := f.rest(ctx, one)
		if err == nil {
			same := false
			if same, err = f.verified(ctx, one); same && err == nil {
				return nil
			}
			if err == nil && again {
				return errors.New("it does not have the checksum that its leader says")
			}
			if err == nil {
				again, err = true, f.drop(one)
			}
		}
		if err == nil {
			continue
		}
		if breaks++; breaks > maxBreaks || errors.Is(err, errGone) || ctx.Err() != nil || disk.CauseOf(err) == disk.Full {
			return err
		}
		select {
		case <-time.After(breakRest):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *fetching) drop(one listed) error {
	info, err := os.Stat(f.path(one.Name))
	if err == nil {
		f.done.Add(-info.Size())
		err = os.Remove(f.path(one.Name))
	}
	return err
}

// rest fetches what is missing of a file, and makes it durable.
func (f *fetching) rest(ctx context.Context, one listed) (err error) {
	out, err := os.OpenFile(f.path(one.Name), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	info, err := out.Stat()
	if err != nil {
		return err
	}
	at := info.Size()
	if at > one.Bytes {
		if err := out.Truncate(0); err != nil {
			return err
		}
		at = 0
	}
	if at == one.Bytes {
		return out.Sync() // an earlier try may not have come so far
	}
	res, err := f.lender.do(ctx, http.MethodGet, f.where("file", one.Name)+"&offset="+strconv.FormatInt(at, 10))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	n, err := io.Copy(counted{out, f.done}, io.LimitReader(res.Body, one.Bytes-at))
	if err == nil && at+n < one.Bytes {
		err = io.ErrUnexpectedEOF
	}
	return errors.Join(err, out.Sync())
}

func (f *fetching) where(what, name string) string {
	return "/state/" + url.PathEscape(f.manifest.ID) + "/" + what + "?name=" + url.QueryEscape(name)
}

// counted counts what is written.
type counted struct {
	w io.Writer
	n *atomic.Int64
}

func (c counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n.Add(int64(n))
	return n, err
}

// verified reports whether a file has the checksum that its leader says.
func (f *fetching) verified(ctx context.Context, one listed) (bool, error) {
	in, err := os.Open(f.path(one.Name))
	if err != nil {
		return false, err
	}
	h := sha256.New()
	_, err = io.Copy(h, in)
	if err = errors.Join(err, in.Close()); err != nil {
		return false, err
	}
	want, err := f.lender.read(ctx, http.MethodGet, f.where("sum", one.Name))
	return string(want) == hex.EncodeToString(h.Sum(nil)), err
}

// end tells the other leader that nothing more is asked for.
func (f *fetching) end(ctx context.Context) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer stop()
	_, _ = f.lender.read(ctx, http.MethodDelete, "/state/"+url.PathEscape(f.manifest.ID)) // it gives up by itself in a minute
}
