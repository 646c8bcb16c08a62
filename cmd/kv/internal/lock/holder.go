package lock

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

// answerLimit is how long a leader may take to answer: it waits for a majority itself, and then says
// that there is none.
const answerLimit = 8 * time.Second

// waitSlice is how long a leader is asked at a time to wait for whoever holds a lock: it may die.
const waitSlice = 2 * time.Second

// releaseLimit is how long leaders are waited for at the end: the lock ends by itself.
const releaseLimit = 2 * time.Second

var begun = time.Now()

// holder acquires, renews and releases one lock, at whichever leader answers.
type holder struct {
	k       *invoke.Call
	opened  *client.Cluster // of its own: the call's ends with the user's interrupt
	leaders []*client.Leader
	name    string
	id      string
	ttl     time.Duration

	token string
}

// newHolder does not ask anybody yet. Whoever made it must close h.opened.
func newHolder(k *invoke.Call, name string, ttl time.Duration) (*holder, error) {
	first, err := k.Leader()
	if err != nil {
		return nil, err
	}
	h := &holder{k: k, name: name, ttl: ttl, id: identity(k.String("as"))}
	h.opened = client.New(client.Options{Login: k.Login, Timeout: max(k.Timeout, answerLimit)})
	h.leaders = []*client.Leader{h.opened.Open(first.Node)}
	others, err := k.All()
	if err != nil {
		return h, nil // the one that was named will do
	}
	for _, l := range others {
		if l.Addr != first.Addr {
			h.leaders = append(h.leaders, h.opened.Open(l.Node))
		}
	}
	return h, nil
}

// identity is of this acquire alone, and says to others whose it is.
func identity(as string) string {
	if as == "" {
		host, _ := os.Hostname() // empty will do
		as = host + "/" + strconv.Itoa(os.Getpid())
	}
	const maxLabel = 80
	return strings.ToValidUTF8(as[:min(len(as), maxLabel)], "") + "/" + strings.ToLower(rand.Text()[:13])
}

// final is what no other leader would answer otherwise.
var final = []string{"LOCKED", "FENCED", "NOPERM", "NOAUTH", "WRONGPASS", "ERR"}

// ask asks one leader after another, each for at most a limit, until one has an answer; that one is asked
// first from then on. The error is that of a leader that did answer, if any did.
func (h *holder) ask(ctx context.Context, limit time.Duration, words ...string) (client.Reply, error) {
	var failed error
	for range len(h.leaders) {
		l := h.leaders[0]
		asking, stop := context.WithTimeout(ctx, limit)
		r, err := l.Do(asking, words...)
		stop()
		if err == nil || slices.Contains(final, client.Code(err)) {
			return r, err
		}
		h.leaders = append(h.leaders[1:], l)
		if failed == nil || client.Code(failed) == "" {
			failed = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return client.Reply{}, failed
}

// grant is what a leader said, and when it was asked.
type grant struct {
	asked, left time.Duration
	err         error
}

func grantOf(asked time.Duration, r client.Reply, err error) grant {
	return grant{asked, time.Duration(r.Field("milliseconds").Int) * time.Millisecond, err}
}

// acquire waits for the lock; below zero: for as long as it takes.
func (h *holder) acquire(ctx context.Context, wait time.Duration) (grant, error) {
	began, said := elapsed(), false
	for {
		asked := elapsed()
		slice := waitSlice
		if wait >= 0 {
			slice = max(0, min(slice, began+wait-asked))
		}
		r, err := h.ask(ctx, answerLimit, "KVD.LOCK", h.name, millis(h.ttl), "ID", h.id, "WAIT", millis(slice))
		if err == nil {
			h.token = r.Field("token").Text
			return grantOf(asked, r, nil), nil
		}
		switch {
		case ctx.Err() != nil:
			return grant{}, &problem{What: "interrupted", Why: fmt.Sprintf("a signal asked for it; if the lock was granted meanwhile, it is free again in %s", h.ttl), Next: "run it again", Code: cliutil.Interrupted}
		case client.Code(err) != "LOCKED" || slice == 0:
			return grant{}, err
		}
		if !said {
			said = true
			h.k.Say("waiting for " + show.Printable(h.name) + ": " + show.Printable(reason(err)))
		}
	}
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// reason is what a leader said, without the code.
func reason(err error) string {
	text, ok := client.Said(err)
	switch {
	case client.Late(err):
		return "no leader answered in time, which they do while a majority of the quorum is there"
	case !ok:
		return err.Error()
	}
	_, text, _ = strings.Cut(text, " ")
	return text
}

// renew asks every leader once if need be, in a quarter of a lease together.
func (h *holder) renew(ctx context.Context) grant {
	asked := elapsed()
	r, err := h.ask(ctx, h.ttl/4/time.Duration(len(h.leaders)), "KVD.RENEW", h.name, h.token, millis(h.ttl))
	return grantOf(asked, r, err)
}

// lapsed is why the lock is known to be held no more, or nil. The answer to the release does not tell
// it: one that was asked twice, because an answer was lost, finds the lock free.
func (h *holder) lapsed() error {
	_, err := h.ask(context.WithoutCancel(h.k.Ctx()), releaseLimit, "KVD.RENEW", h.name, h.token, millis(h.ttl))
	if client.Code(err) == "FENCED" {
		return err
	}
	return nil
}

// release gives the lock back. It does not end with the user's interrupt.
func (h *holder) release() {
	if _, err := h.ask(context.WithoutCancel(h.k.Ctx()), releaseLimit/time.Duration(len(h.leaders)), "KVD.UNLOCK", h.name, h.token); err != nil {
		h.k.Say(fmt.Sprintf("%s could not be released (%s); it is free in %s at the latest", show.Printable(h.name), show.Printable(reason(err)), h.ttl))
	}
}
