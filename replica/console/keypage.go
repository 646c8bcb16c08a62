package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"kvd/replica/acl"
)

// Store answers what the page asks of keys. Both methods read the store, as the rights
// that the context carries allow, and stop when it ends.
type Store interface {
	// Key is why a key holds what it holds. ErrNotServed: not yet.
	Key(ctx context.Context, key string) (*KeyPage, error)
	// Sum adds up what became of every accepted write. It reads the whole log.
	Sum(ctx context.Context) (*Sum, error)
}

// ErrNotServed says that clients are not served yet, and why is wrapped.
var ErrNotServed = errors.New("the leader does not serve yet")

// ErrElsewhere says that a question is not answered here and now.
var ErrElsewhere = errors.New("not answered now")

// KeyPage is what is known of a key, within bounds.
type KeyPage struct {
	Leader   string   `json:"leader"`
	Key      Text     `json:"key"`
	Resolver string   `json:"resolver"` // that serves it
	Text     string   `json:"text"`     // all of it in sentences, as kv why has them
	Tree     string   `json:"tree"`     // as kv why draws it
	Values   []Text   `json:"values"`   // what a read shows
	Deadline *Ends    `json:"deadline"` // null: it has none
	Writes   []Wrote  `json:"writes"`   // shown, then overwritten, then lost, then others
	Losses   []Losing `json:"losses"`   // by resolver, the one that serves first
	Groups   []Lost   `json:"groups"`   // all losses, counted: by resolver, the one that serves first
	Lost     int      `json:"lost"`     // writes that some resolver lost
	Left     int      `json:"left"`     // writes and losses that there are beside those
	Removed  uint64   `json:"removed"`  // ops that the log does not keep any more, of all keys
}

// Ends is when what a key shows ends.
type Ends struct {
	At     time.Time `json:"at"`
	Agreed time.Time `json:"agreed"` // the time that deadlines go by, now
	By     string    `json:"by"`     // the op that stated it later; empty: the one that wrote the value
}

// Wrote is one write of a key.
type Wrote struct {
	Dot     string     `json:"dot"`
	State   WriteState `json:"state"`
	By      string     `json:"by"` // the write over it, or that won against it; empty: none
	Kind    string     `json:"kind"`
	Value   *Text      `json:"value"` // null: it has none, or nothing is left of it
	Leader  string     `json:"leader"`
	Author  string     `json:"author"`
	Wall    time.Time  `json:"wall"`
	Error   float64    `json:"error_seconds"`
	HLC     string     `json:"hlc"`
	Lamport string     `json:"lamport"`
	Parents []string   `json:"parents"`
	InLog   bool       `json:"in_log"`
}

// WriteState is what became of a write under the resolver that serves.
type WriteState string

// The states of writes.
const (
	WriteShown       WriteState = "shown"
	WriteOverwritten WriteState = "overwritten"
	WriteLost        WriteState = "lost"
	WriteOther       WriteState = "other" // it matters to another resolver, or to the past
)

// Losing is a lost write, and to what.
type Losing struct {
	Resolver string    `json:"resolver"`
	Serving  bool      `json:"serving"`
	Relation string    `json:"relation"`
	Loser    string    `json:"loser"`
	Winner   string    `json:"winner"`
	At       time.Time `json:"at"`
	Text     string    `json:"text"` // a sentence
}

// Lost counts the writes that one resolver lost alike.
type Lost struct {
	Resolver string    `json:"resolver"`
	Serving  bool      `json:"serving"`
	Relation string    `json:"relation"`
	Leader   string    `json:"leader"` // that accepted them; empty: several
	Winner   string    `json:"winner"`
	Writes   int       `json:"writes"`
	From     time.Time `json:"from"` // found lost, by the clock of the leader that answers
	To       time.Time `json:"to"`
}

// Sum is what became of every write that was accepted, by resolver.
type Sum struct {
	At       time.Time  `json:"at"`
	Keys     int        `json:"keys"`
	Removed  uint64     `json:"removed"` // ops that the log does not keep any more, and that are not counted
	Balances []Balanced `json:"balances"`
	Text     string     `json:"text"` // as kv audit says it
}

// Balanced is one resolver's sum: accepted is live, superseded and lost.
type Balanced struct {
	Resolver   string `json:"resolver"`
	Accepted   int    `json:"accepted"`
	Live       int    `json:"live"`
	Superseded int    `json:"superseded"`
	Lost       int    `json:"lost"`
	Holds      bool   `json:"holds"`
}

// How long a question may take.
const (
	keyTime = 10 * time.Second
	sumTime = 2 * time.Minute
)

func (c *Console) key(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query()
	err := onlyKnows(asked, "key")
	switch key := asked.Get("key"); {
	case err == nil && key == "":
		err = errors.New("no key was given")
		fallthrough
	case err != nil:
		refuse(w, http.StatusBadRequest, Failure{"the request was refused", err.Error(), "give key= and a key"})
	case !userOf(r).Rights().Reads(key):
		refuse(w, http.StatusForbidden, Failure{"the key is not shown", fmt.Sprintf("%s may not read it", userOf(r).Name()), "ask as another user"})
	default:
		ask(c, w, r, keyTime, func(ctx context.Context) (*KeyPage, error) { return c.cfg.Store.Key(ctx, key) })
	}
}

func (c *Console) sum(w http.ResponseWriter, r *http.Request) {
	if err := onlyKnows(r.URL.Query()); err != nil {
		refuse(w, http.StatusBadRequest, Failure{"the request was refused", err.Error(), "ask for it without anything"})
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(sumTime + writeTimeout)) // or the usual one holds
	ask(c, w, r, sumTime, func(ctx context.Context) (*Sum, error) { return c.cfg.Store.Sum(ctx) })
}

// ask answers a question that reads the store, a few at a time.
func ask[T KeyPage | Sum](c *Console, w http.ResponseWriter, r *http.Request, limit time.Duration, question func(context.Context) (*T, error)) {
	select {
	case c.asking <- struct{}{}:
		defer func() { <-c.asking }()
	default:
		refuse(w, http.StatusServiceUnavailable, Failure{"the question was not answered", "others ask at the same time", "ask again"})
		return
	}
	if c.cfg.Store == nil {
		refuse(w, http.StatusServiceUnavailable, Failure{"the question was not answered", ErrNotServed.Error(), "ask again later, or another leader"})
		return
	}
	ctx, cancel := context.WithTimeout(acl.With(r.Context(), userOf(r).Rights()), limit)
	defer cancel()
	go func() { // nobody waits for an answer while the leader stops
		select {
		case <-c.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	found, err := question(ctx)
	switch {
	case err == nil:
		answer(w, http.StatusOK, *found)
	case errors.Is(err, ErrNotServed), errors.Is(err, ErrElsewhere), ctx.Err() != nil:
		refuse(w, http.StatusServiceUnavailable, Failure{"the question was not answered", err.Error(), "ask again later, or another leader"})
	default:
		refuse(w, http.StatusInternalServerError, Failure{"the question was not answered", err.Error(), "the leader's log may say more"})
	}
}

// fromPage refuses what another site's page asks for in a visitor's browser: it costs.
func fromPage(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
			refuse(w, http.StatusForbidden, Failure{"the request was refused", "the page of another site asked for it", "open the console of this leader"})
			return
		}
		next.ServeHTTP(w, r)
	})
}
