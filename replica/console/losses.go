package console

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"kvd/replica/acl"
)

// Losses collects what the leader tells of lost writes from now on, of keys that begin
// with prefix and that reads answers true for, within bounds of its own: losses of the
// resolver that serves the key, or of all. Reads is asked from any goroutine, and may
// answer otherwise later. Wake is called, on any goroutine, when something has come after
// Next had nothing; it does not wait. Losses may be called from any goroutine.
type Losses func(prefix string, all bool, reads func(key string) bool, wake func()) Feed

// Feed is one reader's queue. It belongs to one goroutine.
type Feed interface {
	// Next is the oldest event that was not taken, and its JSON on one line;
	// false: there is none now. It never waits. Nobody changes the bytes.
	Next() (event string, data []byte, ok bool)
	// Close ends collecting. Wake may still be called by what was under way.
	Close()
}

// Limits of the stream of losses.
const (
	lossReaders = 16               // at the same time; more are turned away
	heartbeat   = 15 * time.Second // a comment goes to a reader at least this often
	// lossSend is within which an event must be taken. It is longer than the
	// heartbeat: HTTP/2 ends a stream whose deadline passes with nothing to send.
	lossSend = heartbeat + 10*time.Second
)

// losses answers server-sent events until the reader is gone or the console
// shuts down.
func (c *Console) losses(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query()
	unknown := slices.Sorted(maps.Keys(asked))
	unknown = slices.DeleteFunc(unknown, func(name string) bool { return name == "prefix" || name == "all" })
	all, ok := map[string]bool{"": false, "0": false, "1": true}[asked.Get("all")]
	switch {
	case c.cfg.Losses == nil:
		refuse(w, http.StatusNotFound, Failure{"there is no such page", "this leader tells of no losses as they happen", "look at / for the pages there are"})
		return
	case len(unknown) > 0: // who misspells prefix would be told of every key
		refuse(w, http.StatusBadRequest, Failure{"the request was refused", fmt.Sprintf("%q is not known", unknown[0]), "give prefix= for some keys, all=1 for all resolvers, or neither"})
		return
	case !ok:
		refuse(w, http.StatusBadRequest, Failure{"the request was refused", fmt.Sprintf("all is %q", asked.Get("all")), "give all=1 for all resolvers, or leave it out for the one that serves"})
		return
	}
	select {
	case c.listening <- struct{}{}:
		defer func() { <-c.listening }()
	default:
		refuse(w, http.StatusServiceUnavailable, Failure{"the losses are not told", fmt.Sprintf("%d readers listen already", lossReaders), "end one, or ask another leader: all of them tell the same losses"})
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // proxies that gather would keep the events back
	if r.Method == http.MethodHead {
		return
	}
	s := stream{w: w, control: http.NewResponseController(w), ended: c.closing, gone: r.Context().Done()}
	wake := make(chan struct{}, 1)
	s.user = userOf(r)
	reads := func(key string) bool { return s.user.Rights().Reads(key) }
	s.feed = c.cfg.Losses(asked.Get("prefix"), all, reads, func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	})
	defer s.feed.Close()
	s.run(wake)
}

type stream struct {
	w           http.ResponseWriter
	control     *http.ResponseController
	feed        Feed
	user        *acl.User
	ended, gone <-chan struct{}
}

// run sends until somebody ends it. Whoever was told that it began has missed
// nothing since.
func (s *stream) run(wake <-chan struct{}) {
	if s.send(": losses from now on\n\n") != nil {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for s.sendAll() == nil {
		select {
		case <-wake:
		case <-beat.C:
			if s.user.Revoked() || s.send(": still here\n\n") != nil {
				return
			}
		case <-s.gone:
			return
		case <-s.ended:
			return
		}
	}
}

// sendAll sends what waits. However much comes, it ends with the console.
func (s *stream) sendAll() error {
	for {
		select {
		case <-s.ended:
			return http.ErrServerClosed
		default:
		}
		event, data, ok := s.feed.Next()
		if !ok {
			return nil
		}
		if err := s.send("event: %s\ndata: %s\n\n", event, data); err != nil {
			return err
		}
	}
}

// send writes and flushes within the time that a reader has to take it, in place
// of the server's, which is for pages.
func (s *stream) send(format string, args ...any) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(lossSend)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(s.w, format, args...); err != nil {
		return err
	}
	return s.control.Flush()
}
