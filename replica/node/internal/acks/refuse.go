package acks

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"kvd/replica"
)

func (k *Keeper) asked(reqs []*replica.Request) bool {
	for _, q := range reqs {
		if q.Acks > 1 || k.rules && k.level(q) > 1 || k.waits && k.commitWaits(q) {
			return true
		}
	}
	return false
}

// level is the greater of what the policy and the request ask for.
func (k *Keeper) level(q *replica.Request) int {
	if q.Verb == replica.Get {
		return 0
	}
	return max(q.Acks, cmp.Or(k.cfg.Policy.Rule(q.Key).Acks, k.cfg.Policy.Acks))
}

// commitWaits reports whether the request, if it writes, is answered once its stamp is past.
func (k *Keeper) commitWaits(q *replica.Request) bool {
	return q.Verb != replica.Get && k.cfg.Policy.Rule(q.Key).CommitWait
}

// impossible is, by request, why no write of it can be acknowledged as it is asked for; nil:
// all can. A clock that does not know the time to within the limit is not waited for: its
// claim may be 16 seconds, and then every write would be in doubt.
func (k *Keeper) impossible(reqs []*replica.Request, levels []int, limit time.Duration) (why []error) {
	members, most := k.cfg.Members(), slices.Max(levels)
	wide := time.Duration(0)
	if k.waits {
		wide = 2 * k.cfg.Now().Wall.HalfWidth()
	}
	if most <= members && wide <= limit {
		return nil
	}
	why = make([]error, len(reqs))
	tooFew := fmt.Errorf("%w: %d leaders are to hold it, and the cluster has %d; nothing was written by this attempt; kv members lists them, a lower acks takes fewer", replica.ErrTooFew, most, members)
	tooWide := fmt.Errorf("%w: it claims to be wrong by up to %s, so that a stamp is past %s after it was given, and a write is to be answered within %s; nothing was written by this attempt; kv clock says where the claim is from, --clock chooses a better source, --acks-timeout waits longer",
		replica.ErrClockWide, wide/2, wide, limit)
	for i, q := range reqs {
		switch {
		case levels[i] > members:
			why[i] = tooFew
		case wide > limit && k.commitWaits(q):
			why[i] = tooWide
		}
	}
	return why
}

// broken keeps requests from being done. Nobody changes it.
var broken = &replica.Guard{Broken: true}

// refuse sees to it that writes which cannot be acknowledged are not done, and nothing that
// is done only together with them. What the caller gave is put back by restore, which also
// says why in the replies.
func refuse(reqs []*replica.Request, why []error) (restore func([]replica.Reply)) {
	if why == nil {
		return func([]replica.Reply) {}
	}
	together := map[*replica.Together]error{}
	for i, q := range reqs {
		if why[i] != nil && q.Together != nil {
			together[q.Together] = why[i]
		}
	}
	guards, decides := map[int]*replica.Guard{}, map[int]func(replica.Present) (replica.Write, error){}
	for i, q := range reqs {
		why[i] = cmp.Or(why[i], together[q.Together])
		switch {
		case why[i] == nil:
		case q.Together != nil || q.Verb != replica.Update:
			guards[i], q.Guard = q.Guard, broken
		default: // it may come to nothing but a look
			decides[i] = q.Decide
			decide := q.Decide
			q.Decide = func(p replica.Present) (replica.Write, error) {
				w, err := decide(p)
				if err == nil && w.Verb != replica.Get {
					return replica.Write{}, why[i]
				}
				return w, err
			}
		}
	}
	return func(replies []replica.Reply) {
		for i, g := range guards {
			reqs[i].Guard = g
			replies[i].Err = fmt.Errorf("%s %.64q: %w", reqs[i].Verb, reqs[i].Key, why[i])
		}
		for i, d := range decides {
			reqs[i].Decide = d
		}
	}
}
