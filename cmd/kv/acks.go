package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/invoke"
	"kvd/replica/client"
)

const aboutAcks = `

With --acks the answer comes when N leaders, the one that is asked among them, durably have
the write, or --timeout is nearly over. Then the outcome is unknown (exit code 5): the leader
has the write, and it will reach the others. kv says how to send it once more, as
the same write, at any leader. Too few leaders are told at once, and nothing is written.`

func acksFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "acks", Usage: "wait until `N` leaders durably have the write"},
		&cli.StringFlag{Name: "request", Usage: "the write is `CLIENT/NUMBER`, two integers: sent again, it is the same write"},
	}
}

// level is what a write asks for beside what it does.
type level struct {
	acks           int
	client, number uint64
}

// levelled reports whether a write asks for a level, or is named.
func (k *call) levelled() bool { return k.IsSet("acks") || k.IsSet("request") }

// level reads the flags. A write that may have to be sent again is named by chance.
func (k *call) level() (v level, err error) {
	if v.acks = k.Int("acks"); k.IsSet("acks") && v.acks < 1 {
		return v, cliutil.Usage(fmt.Sprintf("--acks %d is no number of leaders", v.acks), "the leader that is asked is one of them", "--acks 2 waits for another leader")
	}
	v.client, v.number = rand.Uint64()>>1|1, 1
	if k.IsSet("request") {
		c, n, _ := strings.Cut(k.String("request"), "/")
		var bad, worse error
		v.client, bad = strconv.ParseUint(c, 10, 64)
		v.number, worse = strconv.ParseUint(n, 10, 64)
		if errors.Join(bad, worse) != nil || v.client == 0 {
			return v, cliutil.Usage(fmt.Sprintf("--request %s names no write", k.String("request")), "it is the client, above zero, and its number", "--request 71/1")
		}
	}
	return v, nil
}

// words is the level as the leader is told.
func (v level) words(timeout time.Duration) []string {
	all := []string{"REQUEST", strconv.FormatUint(v.client, 10), strconv.FormatUint(v.number, 10)}
	if v.acks > 0 { // the answer is to come before it is waited for no more
		ms := (timeout - min(timeout/5, 500*time.Millisecond)).Milliseconds()
		all = append(all, "ACKS", strconv.Itoa(v.acks), strconv.FormatInt(max(1, ms), 10))
	}
	return all
}

// doLevelled sends a write that asks for its level.
func (k *call) doLevelled(l *client.Leader, words ...string) (client.Reply, error) {
	if !k.levelled() {
		return l.Do(k.Ctx(), words...)
	}
	v, err := k.level()
	if err != nil {
		return client.Reply{}, err
	}
	r, err := l.Do(k.Ctx(), append(words, v.words(k.Timeout)...)...)
	if client.Code(err) == "INDOUBT" || client.HungUp(err) || client.Late(err) {
		if p, ok := invoke.Explain(k.Subject(), err).(*cliutil.Problem); ok {
			p.Next = fmt.Sprintf("the same command with --request %d/%d, here or with -n another leader, is the same write", v.client, v.number)
			return r, p
		}
	}
	return r, err
}
