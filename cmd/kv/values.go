package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"kvd/cmd/internal/cliutil"
)

func sessionFlag() cli.Flag {
	return &cli.StringFlag{Name: "session", Usage: "remember what was seen, in the session called `NAME`"}
}

func tokenFlag() cli.Flag {
	return &cli.StringFlag{Name: "token", Usage: "go over exactly what `TOKEN` was shown; kv siblings prints it"}
}

func dotFlag() cli.Flag {
	return &cli.BoolFlag{Name: "dot", Usage: "print the dot of the write as well, which kv fate takes; alone with -o raw"}
}

func valueSpecs() []spec {
	return []spec{
		{name: "get", usage: "print the value of a key", args: "KEY", least: 1, most: 1, do: get,
			about: "A key with siblings has no one value: the exit code is 4, and kv siblings shows them.",
			flags: []cli.Flag{sessionFlag(), &cli.BoolFlag{Name: "strict", Usage: "refuse siblings even where the server would pick one"}}},
		{name: "set", usage: "set a key", args: "KEY VALUE", least: 2, most: 2, writes: true, do: set,
			about: "Plain, it goes over whatever the leader shows. With --token, or after a get in the\nsame --session, it goes over exactly what was shown.",
			flags: []cli.Flag{sessionFlag(), tokenFlag(), dotFlag(),
				&cli.DurationFlag{Name: "ttl", Usage: "the value ends after `DURATION`"},
				&cli.BoolFlag{Name: "nx", Usage: "only if this leader shows none; another leader may say yes as well"},
				&cli.BoolFlag{Name: "xx", Usage: "only if this leader shows one"}}},
		{name: "del", usage: "remove keys", args: "KEY...", least: 1, most: -1, writes: true, do: del,
			about: "It prints how many were there. With --token or in a --session, what was shown is removed,\none key after another, and every key counts. With --dot it takes one key, and prints the\ndot of its deletion.",
			flags: []cli.Flag{sessionFlag(), tokenFlag(), dotFlag()}},
		{name: "mget", usage: "print the values of several keys", args: "KEY...", least: 1, most: -1, do: mget, flags: []cli.Flag{sessionFlag()}},
		{name: "mset", usage: "set several keys", args: "KEY VALUE...", least: 2, most: -1, writes: true, do: mset, flags: []cli.Flag{sessionFlag()},
			about: "In a session the keys are set one after another, each as set would."},
	}
}

// reading is what KVD.GET answers.
type reading struct {
	key      string
	values   []string
	token    string
	resolver string
}

// reading asks for everything a key shows, at a leader that has what the session
// has seen. The session learns nothing yet.
func (k *call) reading(l *leader, key string) (reading, error) {
	r, err := l.do(k.ctx(), append([]string{"KVD.GET", key}, tokenWords(k.session.token(key))...)...)
	return readingOf(key, r), err
}

func readingOf(key string, r reply) reading {
	return reading{key, r.field("values").texts(), r.field("token").text, r.field("resolver").text}
}

func tokenWords(token string) []string {
	if token == "" {
		return nil
	}
	return []string{"TOKEN", token}
}

// siblings is the failure of a command that wants one value.
func (r reading) siblings() error {
	return &cliutil.Problem{
		What: "get " + brief(r.key), Why: fmt.Sprintf("the key has %d siblings under %s", len(r.values), r.resolver),
		Next: "kv siblings KEY shows them, kv resolve KEY VALUE puts one value in their place", Code: cliutil.Differs,
	}
}

// one is the value of a key, if it shows one, and the session was shown it.
func (k *call) one(l *leader, key string) (entry, error) {
	r, err := k.reading(l, key)
	if err != nil {
		return entry{}, err
	}
	if len(r.values) > 1 {
		return entry{}, errors.Join(k.session.saw(r.token), r.siblings())
	}
	if err := k.session.shownBy(r.token); err != nil {
		return entry{}, err
	}
	return entry{key: key, there: len(r.values) == 1, value: slices.Concat(r.values, []string{""})[0]}, nil
}

// entry is one's, or a plain GET's.
func (k *call) entry(l *leader, key string) (entry, error) {
	if k.session.on() || k.Bool("strict") {
		return k.one(l, key)
	}
	r, err := l.do(k.ctx(), "GET", key)
	return entry{key: key, value: r.text, there: r.kind != aNull}, err
}

func get(k *call) error {
	l, err := k.leader()
	if err != nil {
		return err
	}
	key := k.Args().First()
	e, err := k.entry(l, key)
	switch {
	case err != nil:
		return err
	case !e.there:
		return k.absent("the key is not there, at " + l.String())
	}
	e.bare = true
	return k.out.put(e)
}

func set(k *call) error {
	l, err := k.leader()
	if err != nil {
		return err
	}
	key := k.Args().First()
	options, err := k.setOptions()
	if err != nil {
		return err
	}
	value, err := k.value(k.Args().Get(1))
	if err != nil {
		return err
	}
	if k.informed() || k.Bool("dot") {
		return k.putWrite(l, "KVD.SET", key, value)
	}
	r, err := l.do(k.ctx(), append([]string{"SET", key, value}, options...)...)
	switch {
	case err != nil:
		return err
	case r.kind == aNull && k.Bool("xx"):
		return k.absent("the key is not there, at " + l.String() + ", and --xx sets only what is")
	case r.kind == aNull:
		return &cliutil.Problem{What: k.subject(), Why: "the key is there, at " + l.String() + ", and --nx sets only what is not", Next: "kv get shows it"}
	}
	return k.out.put(done(keyFact(key)))
}

// done says OK, and what else there is to know.
func done(more ...fact) facts {
	return facts{say: "OK", bare: "OK", all: append([]fact{truthFact("ok", true)}, more...)}
}

// putWrite prints what write gives.
func (k *call) putWrite(l *leader, words ...string) error {
	w, err := k.write(l, words...)
	if err != nil {
		return err
	}
	return k.out.put(k.dotted(w))
}

// dotted shows the dot of a write, if the user wants to know. JSON has it anyway.
func (k *call) dotted(f facts) facts {
	if dot := f.find("dot"); k.Bool("dot") && dot != "" {
		f.say, f.bare = f.say+"\ndot "+dot, dot
	}
	return f
}

// informed reports whether a write says what its author has seen.
func (k *call) informed() bool { return k.session.on() || k.String("token") != "" }

// setOptions is SET's options, which an informed write does not have.
func (k *call) setOptions() ([]string, error) {
	var words []string
	if k.IsSet("ttl") {
		ttl := k.Duration("ttl")
		if ttl < time.Millisecond {
			return nil, cliutil.Usage("--ttl "+ttl.String()+" is too short", "the least is 1ms", "kv del removes a key at once")
		}
		words = append(words, "PX", strconv.FormatInt(ttl.Milliseconds(), 10))
	}
	for _, name := range []string{"nx", "xx"} {
		if k.Bool(name) {
			words = append(words, name)
		}
	}
	switch {
	case k.session.on() && k.String("token") != "":
		return nil, cliutil.Usage("--session and --token say the same thing twice", "a session has its own token", "leave out one of them")
	case k.Bool("nx") && k.Bool("xx"):
		return nil, cliutil.Usage("--nx and --xx leave nothing to set", "a key is there or not", "leave out one of them")
	case k.Bool("dot") && len(words) > 0:
		return nil, cliutil.Usage("--ttl, --nx and --xx do not go with --dot", "the server's SET answers no dot, and its KVD.SET has no options", "leave out --dot; kv history KEY prints dots as well")
	case k.informed() && len(words) > 0:
		return nil, cliutil.Usage("--ttl, --nx and --xx do not go with a token", "the server's KVD.SET has no options", "leave them out; kv expire follows a set, also in a session")
	}
	return words, nil
}

// write sends an informed write. A session learns of it.
func (k *call) write(l *leader, words ...string) (facts, error) {
	key := words[1]
	token := k.String("token")
	if token == "" {
		token = k.session.token(key)
	}
	r, err := l.do(k.ctx(), append(words, tokenWords(token)...)...)
	if err != nil {
		return facts{}, err
	}
	dot, after := r.field("dot").text, r.field("token").text
	return done(keyFact(key), wordFact("dot", dot), wordFact("token", after)), k.session.shownBy(after)
}

func del(k *call) error {
	l, err := k.leader()
	if err != nil {
		return err
	}
	if _, err := k.setOptions(); err != nil {
		return err
	}
	keys := k.Args().Slice()
	if k.Bool("dot") {
		if len(keys) > 1 {
			return cliutil.Usage("--dot is of one key", fmt.Sprintf("%d keys are named", len(keys)), "kv del KEY --dot")
		}
		return k.putWrite(l, "KVD.DEL", keys[0])
	}
	if !k.informed() {
		r, err := l.do(k.ctx(), append([]string{"DEL"}, keys...)...)
		if err != nil {
			return err
		}
		return k.counted("deleted", r.number)
	}
	if k.String("token") != "" && len(keys) > 1 {
		return cliutil.Usage("--token is of one key", fmt.Sprintf("%d keys are named", len(keys)), "kv del KEY --token TOKEN")
	}
	for i, key := range keys {
		if _, err := k.write(l, "KVD.DEL", key); err != nil {
			return k.partly(i, err)
		}
	}
	return k.counted("deleted", int64(len(keys)))
}

// partly says how far a command of several steps came.
func (k *call) partly(done int, err error) error {
	if done > 0 {
		k.say(fmt.Sprintf("the first %d were done", done))
	}
	return err
}

// counted prints a count; if it is zero, none of the keys was there.
func (k *call) counted(what string, n int64) error {
	text := strconv.FormatInt(n, 10)
	if err := k.out.put(facts{say: text, bare: text, all: []fact{numberFact(what, n)}}); err != nil || n > 0 {
		return err
	}
	return k.absent("none of the keys is there")
}

func mget(k *call) error {
	l, err := k.leader()
	if err != nil {
		return err
	}
	k.out.list()
	found := false
	emit := func(e entry) error {
		found = found || e.there
		return k.out.put(e)
	}
	if k.session.on() {
		err = k.eachOne(l, emit)
	} else {
		err = k.eachPlain(l, emit)
	}
	if err == nil && !found {
		return k.absent("none of the keys is there, at " + l.String())
	}
	return err
}

// eachOne reads key by key: what is not printed has not been shown.
func (k *call) eachOne(l *leader, do func(entry) error) error {
	for _, key := range k.Args().Slice() {
		e, err := k.one(l, key)
		if err != nil {
			return err
		}
		if err := do(e); err != nil {
			return err
		}
	}
	return nil
}

func (k *call) eachPlain(l *leader, do func(entry) error) error {
	keys := k.Args().Slice()
	r, err := l.do(k.ctx(), append([]string{"MGET"}, keys...)...)
	if err != nil {
		return err
	}
	for i, v := range r.items {
		if err := do(entry{key: keys[i], value: v.text, there: v.kind != aNull}); err != nil {
			return err
		}
	}
	return nil
}

func mset(k *call) error {
	args := k.Args().Slice()
	if len(args)%2 != 0 {
		return cliutil.Usage("the last key has no value", fmt.Sprintf("%d arguments are not pairs", len(args)), "kv mset KEY VALUE KEY VALUE")
	}
	if err := k.fill(args); err != nil {
		return err
	}
	l, err := k.leader()
	if err != nil {
		return err
	}
	if err := k.setAll(l, args); err != nil {
		return err
	}
	return k.out.put(done(numberFact("set", int64(len(args)/2))))
}

// fill puts standard input in the place of the value that asks for it.
func (k *call) fill(pairs []string) error {
	read := false
	for i := 1; i < len(pairs); i += 2 {
		if pairs[i] == "-" && read {
			return cliutil.Usage("standard input is one value", "two values are -", "kv set each by itself")
		}
		read = read || pairs[i] == "-"
		var err error
		if pairs[i], err = k.value(pairs[i]); err != nil {
			return err
		}
	}
	return nil
}

func (k *call) setAll(l *leader, pairs []string) error {
	if !k.session.on() {
		_, err := l.do(k.ctx(), append([]string{"MSET"}, pairs...)...)
		return err
	}
	for i := 0; i < len(pairs); i += 2 {
		if _, err := k.write(l, "KVD.SET", pairs[i], pairs[i+1]); err != nil {
			return k.partly(i/2, err)
		}
	}
	return nil
}
