package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/node/internal/backups"
	"kvd/storage"
	"kvd/storage/checkpoint"
)

// Rate is how many bytes a second a leader sends at most. Its clients need the disk, the
// network and, under TLS, the processors, too.
const Rate = 48 << 20

// pieceBytes is how much is read and sent at a time.
const pieceBytes = 256 << 10

// SenderConfig is what a sender is told once.
type SenderConfig struct {
	Leader string // its name
	Store  *storage.Store
	Lend   *backups.Backups // who lends checkpoints, one at a time
	// Whole is why the state here should not be given to others; nil: it may be.
	Whole  func() error
	Logger *slog.Logger
}

// Sender gives the state of a leader to those who ask. Any goroutine may call it.
type Sender struct {
	cfg    SenderConfig
	server http.Server
	conns  chan net.Conn
	over   chan struct{}
	ended  sync.WaitGroup
	close  sync.Once
	pace   pace
}

// NewSender serves the connections that it is given until Close.
func NewSender(cfg SenderConfig) *Sender {
	s := &Sender{cfg: cfg, conns: make(chan net.Conn), over: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /log", s.log)
	mux.HandleFunc("POST /state", s.begin)
	mux.HandleFunc("GET /state/{id}/file", s.file)
	mux.HandleFunc("GET /state/{id}/sum", s.sum)
	mux.HandleFunc("DELETE /state/{id}", s.end)
	s.server = http.Server{Handler: mux, ReadHeaderTimeout: time.Minute, IdleTimeout: time.Minute, ErrorLog: slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug)}
	s.ended.Go(func() { _ = s.server.Serve(handed{s}) })
	return s
}

// Serve takes a connection, and does not block for long.
func (s *Sender) Serve(_ replica.Leader, c net.Conn) {
	select {
	case s.conns <- c:
	case <-s.over:
		_ = c.Close()
	}
}

// Close ends all connections.
func (s *Sender) Close() error {
	if s == nil {
		return nil
	}
	s.close.Do(func() { close(s.over) })
	err := s.server.Close()
	s.ended.Wait()
	return err
}

// handed is the connections that are given to a sender, as a listener.
type handed struct{ *Sender }

func (h handed) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.over:
		return nil, net.ErrClosed
	}
}
func (h handed) Close() error   { h.Sender.close.Do(func() { close(h.over) }); return nil }
func (h handed) Addr() net.Addr { return &net.TCPAddr{} }

// position is the last op of an origin.
type position struct {
	Origin logical.Origin `json:"origin"`
	Seq    logical.Seq    `json:"seq"`
}

func positions(f logical.Frontier) (all []position) {
	for d := range f.All() {
		all = append(all, position{d.Origin, d.Seq})
	}
	return all
}

func frontier(all []position) (f logical.Frontier) {
	for _, p := range all {
		if d := (logical.Dot{Origin: p.Origin, Seq: p.Seq}); p.Origin != 0 && !f.Covers(d) {
			f.Advance(d)
		}
	}
	return f
}

// begins is what a leader says of its log.
type begins struct {
	Removed []position `json:"removed"` // what is not kept any more
	Last    []position `json:"last"`
}

// manifest is a state that is lent.
type manifest struct {
	ID       string     `json:"id"`
	Frontier []position `json:"frontier"`
	Files    []listed   `json:"files"`
}

// listed is a file of a state.
type listed struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

func (m *manifest) bytes() (n int64) {
	for _, f := range m.Files {
		n += f.Bytes
	}
	return n
}

func (s *Sender) log(w http.ResponseWriter, _ *http.Request) {
	l := s.cfg.Store.Log()
	answer(w, begins{Removed: positions(l.Removed()), Last: positions(l.Frontier())})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // who is gone asks again
}

func (s *Sender) begin(w http.ResponseWriter, _ *http.Request) {
	err := s.cfg.Whole()
	if err == nil {
		err = s.cfg.Store.Damage()
	}
	var l *backups.Lent
	if err == nil {
		l, err = s.cfg.Lend.Lend(s.cfg.Store.StateCheckpoint)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	m := manifest{ID: l.ID, Frontier: positions(l.Frontier)}
	for _, f := range l.Files {
		m.Files = append(m.Files, listed{f.Name, f.Bytes})
	}
	s.cfg.Logger.Info("gives its state to a leader that needs ops which are not kept any more", "leader", s.cfg.Leader, "files", len(m.Files), "bytes", m.bytes())
	answer(w, m)
}

// file sends a file from an offset on.
func (s *Sender) file(w http.ResponseWriter, r *http.Request) {
	id, name := r.PathValue("id"), r.FormValue("name")
	at, err := strconv.ParseInt(r.FormValue("offset"), 10, 64)
	if err != nil {
		http.Error(w, "no offset: "+err.Error(), http.StatusBadRequest)
		return
	}
	began, piece := false, make([]byte, pieceBytes)
	for {
		n := 0
		err := s.cfg.Lend.Use(id, name, func(l *backups.Lent, f checkpoint.File) error {
			if at < 0 || at > f.Bytes {
				return fmt.Errorf("offset %d is not in %s, which has %d bytes", at, f.Name, f.Bytes)
			}
			if !began {
				w.Header().Set("Content-Length", strconv.FormatInt(f.Bytes-at, 10))
			}
			p := piece[:min(pieceBytes, f.Bytes-at)]
			if len(p) == 0 {
				return io.EOF
			}
			var err error
			n, err = l.Read(f, at, p)
			return err
		})
		switch {
		case errors.Is(err, io.EOF):
			return
		case err != nil && !began:
			refuse(w, err)
			return
		case err != nil:
			panic(http.ErrAbortHandler) // less arrives than was announced
		}
		began = true
		if s.pace.wait(r.Context(), n) != nil {
			return
		}
		if _, err := w.Write(piece[:n]); err != nil {
			return
		}
		at += int64(n)
	}
}

func (s *Sender) sum(w http.ResponseWriter, r *http.Request) {
	var sum string
	err := s.cfg.Lend.Use(r.PathValue("id"), r.FormValue("name"), func(l *backups.Lent, f checkpoint.File) (err error) {
		sum, err = l.Sum(r.Context(), f)
		return err
	})
	if err != nil {
		refuse(w, err)
		return
	}
	_, _ = io.WriteString(w, sum)
}

func (s *Sender) end(w http.ResponseWriter, r *http.Request) {
	if err := s.cfg.Lend.Return(r.PathValue("id")); err != nil {
		refuse(w, err)
	}
}

func refuse(w http.ResponseWriter, err error) {
	code := http.StatusServiceUnavailable
	if backups.Gone(err) {
		code = http.StatusGone
	}
	w.Header().Del("Content-Length")
	http.Error(w, err.Error(), code)
}

// pace lets so many bytes a second through, of all connections together.
type pace struct {
	mu   sync.Mutex
	free time.Time // when what was let through so far has had its time
}

// wait waits until n bytes more may be sent.
func (p *pace) wait(ctx context.Context, n int) error {
	p.mu.Lock()
	now := time.Now()
	if p.free.Before(now) {
		p.free = now
	}
	wait := p.free.Sub(now)
	p.free = p.free.Add(time.Duration(n) * time.Second / Rate)
	p.mu.Unlock()
	if wait == 0 {
		return ctx.Err()
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
