package quorum_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"kvd/replica/lease"
	"kvd/replica/quorum"
	"kvd/replica/replicatest"
)

// asked is what a client wanted of one lock, and answered what it was told, with when it was.
type asked struct {
	verb  quorum.Verb
	id    string
	token lease.Token
	call  int64
}

type answered struct {
	code  lease.Code // zero: nobody knows whether it was done
	id    string     // who holds the lock
	token lease.Token
	at    int64
}

// held is a lock as one copy of it would be: who holds it, at the earliest since when, and the greatest token.
type held struct {
	id         string
	token, max lease.Token
	since      int64
}

// checking is how long the history is looked through at most.
const checking = time.Minute

const historyTTL = 120 * time.Millisecond

// oneLock is the lock that the history is held to (Herlihy and Wing, "Linearizability", 1990). A lease may have
// ended whenever its time may be over; nobody sees it end.
var oneLock = porcupine.NondeterministicModel{
	Init:  func() []any { return []any{held{}} },
	Step:  func(s, in, out any) []any { return step(s.(held), in.(asked), out.(answered)) },
	Equal: func(a, b any) bool { return a == b },
}

func step(s held, in asked, out answered) (next []any) {
	states := []held{s}
	if s.id != "" && out.at-s.since >= int64(historyTTL) {
		states = append(states, held{max: s.max})
	}
	for _, s := range states {
		switch {
		case in.verb == quorum.Unlock: // asked again because an answer was lost, it says that it was not held
			if out.code == 0 {
				next = append(next, s)
			}
			if s.token == in.token {
				s = held{max: s.max}
			}
			next = append(next, s)
		case in.verb == quorum.Lock && out.code == lease.Done && s.id == "" && s.max.Less(out.token):
			next = append(next, held{in.id, out.token, out.token, in.call})
		case in.verb == quorum.Lock && out.code == lease.Done && s.id == in.id && s.token == out.token,
			in.verb == quorum.Lock && out.code == lease.Held && s.id != "" && s.id != in.id && s.token == out.token,
			in.verb == quorum.Get && out.code == lease.Done && s.token == out.token,
			in.verb == quorum.Get && out.code == lease.NotIt && s.id == "":
			next = append(next, s)
		}
	}
	return next
}

// again adds what nobody was told: a client whose answer was lost asks again, and if its lease is over by
// then is given another. What others were told of the first lease shows that there was one, between
// the client's asking and its answer.
func again(history []porcupine.Operation, asks map[string]porcupine.Operation) []porcupine.Operation {
	known := map[lease.Token]bool{{}: true}
	for _, op := range history {
		if in, out := op.Input.(asked), op.Output.(answered); in.verb == quorum.Lock && out.code == lease.Done {
			known[out.token] = true
		}
	}
	all := history
	for _, op := range history {
		out := op.Output.(answered)
		if ask, ok := asks[out.id]; ok && !known[out.token] {
			known[out.token] = true
			ask.ClientId, ask.Output = len(all)+1000, answered{lease.Done, out.id, out.token, ask.Return}
			all = append(all, ask)
		}
	}
	return all
}

// TestTheHistoryOfALockIsThatOfOneCopy lets clients take, release and forget one lock at all
// members while the one that leads is cut off again and again.
func TestTheHistoryOfALockIsThatOfOneCopy(t *testing.T) {
	rounds, cuts := 12, 2
	if n, err := strconv.Atoi(os.Getenv("KVD_LOCK_ROUNDS")); err == nil {
		rounds, cuts = n, n/10
	}
	c := newCluster(t, "n1", "n2", "n3")
	c.set("n1", false, "n1", "n2", "n3")
	var mu sync.Mutex
	var history []porcupine.Operation
	asks := map[string]porcupine.Operation{} // to take the lock, by identity
	began := time.Now()
	do := func(client int, chance *rand.Rand, in asked) answered {
		in.call = int64(time.Since(began))
		a, err := c.do(fmt.Sprint("n", 1+chance.IntN(3)), quorum.Command{Verb: in.verb, Name: "l", ID: in.id, Token: in.token, TTL: historyTTL, Wait: time.Duration(chance.IntN(2)) * time.Second})
		out := answered{a.Code, a.Lock.ID, a.Lock.Token, int64(time.Since(began))}
		if err != nil { // it may be done at any time from now on
			out = answered{at: math.MaxInt64}
		}
		mu.Lock()
		defer mu.Unlock()
		op := porcupine.Operation{ClientId: client, Input: in, Call: in.call, Output: out, Return: out.at}
		if in.verb == quorum.Lock {
			asks[in.id] = op
		}
		if err == nil || in.verb == quorum.Unlock {
			history = append(history, op)
		}
		return out
	}
	var clients sync.WaitGroup
	defer clients.Wait() // before the members stop, however this ends
	for client := range 4 {
		clients.Go(func() {
			chance := rand.New(rand.NewPCG(uint64(client), 1))
			for i := range rounds {
				in := asked{verb: quorum.Lock, id: fmt.Sprint(client, "/", i)}
				out := do(client, chance, in)
				switch chance.IntN(4) {
				case 0:
					do(client, chance, asked{verb: quorum.Get})
				case 1: // its holder is heard of no more
				default:
					if out.code == lease.Done {
						do(client, chance, asked{verb: quorum.Unlock, token: out.token})
					}
				}
			}
		})
	}
	for range cuts {
		led := c.leader()
		c.isolate(led)
		replicatest.Eventually(t, "somebody else leads", func() bool { return c.leader() != led })
		c.isolate()
	}
	clients.Wait()
	switch got := porcupine.CheckOperationsTimeout(oneLock.ToModel(), again(history, asks), checking); got {
	case porcupine.Ok:
	case porcupine.Unknown:
		t.Errorf("whether %d operations are those of one lock was not found out within %s, which is no violation", len(history), checking)
	default:
		t.Errorf("%d operations are not those of one lock: %s", len(history), got)
	}
	granted := 0
	for _, op := range history {
		if in := op.Input.(asked); in.verb == quorum.Lock && op.Output.(answered).code == lease.Done {
			granted++
		}
	}
	t.Logf("%d operations, %d leases given", len(history), granted)
	if granted < 5 {
		t.Errorf("%d leases were given: that shows little", granted)
	}
}
