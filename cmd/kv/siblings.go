package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

func siblingSpecs() []spec {
	return []spec{
		{name: "siblings", usage: "print all values a key shows, and a token for writing over them", args: "KEY", least: 1, most: 1, do: siblings, flags: []cli.Flag{sessionFlag()}},
		{name: "resolve", usage: "put one value in the place of the siblings", args: "KEY VALUE", least: 2, most: 2, writes: true, do: resolveSiblings,
			about: "It goes over exactly what was shown: to the session, to whoever got --token, or, with\nneither, to kv just now. What others wrote meanwhile stays.",
			flags: []cli.Flag{sessionFlag(), tokenFlag(), dotFlag()}},
		{name: "history", usage: "print the writes of a key that this leader still has", args: "KEY", least: 1, most: 1, do: keyHistory,
			about: "The newest is first. Wall is the middle of what the leader's clock showed, ± how far it\nmay have been wrong. A touch is a change of the deadline alone (EXPIRE, PERSIST): those that\nhold, and those that later writes went on with, are printed.",
			flags: []cli.Flag{&cli.IntFlag{Name: "count", Usage: "at most `N` of them; 0: as many as the server thinks fit"}}},
		{name: "watch", usage: "print what a key shows whenever that changes", args: "KEY", least: 1, most: 1, do: watch,
			about: "It asks again and again, and prints each change it sees; a value that came and went in\nbetween is not seen. Ctrl-C ends it.",
			flags: []cli.Flag{everyFlag()}},
	}
}

// shown is all that a key shows.
type shown struct{ reading }

func (s shown) text(p *printer) string {
	lines := []string{fmt.Sprintf("%s under %s: %s", p.show(s.key), s.resolver, count(len(s.values), "value"))}
	for i, v := range s.values {
		lines = append(lines, fmt.Sprintf("%d) %s", i+1, p.show(v)))
	}
	return strings.Join(append(lines, "token "+s.token), "\n")
}

func (s shown) raw() string       { return strings.Join(s.values, "\n") + "\n" }
func (s shown) columns() []string { return []string{"key", "resolver", "values", "token"} }
func (s shown) cells() []string {
	return []string{printable(s.key), s.resolver, joined(s.values), s.token}
}

// MarshalJSON lists the values.
func (s shown) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		Key      keyName `json:"key"`
		Values   []blob  `json:"values"`
		Token    string  `json:"token"`
		Resolver string  `json:"resolver"`
	}{keyName(s.key), blobsOf(s.values), s.token, s.resolver})
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func siblings(k *call) error {
	l, err := k.leader()
	if err != nil {
		return err
	}
	r, err := k.reading(l, k.Args().First())
	if err != nil {
		return err
	}
	if err := k.out.put(shown{r}); err != nil {
		return err
	}
	if err := k.session.shownBy(r.token); err != nil {
		return err
	}
	if len(r.values) == 0 {
		return k.absent("the key is not there, at " + l.String())
	}
	return nil
}

func resolveSiblings(k *call) error {
	if _, err := k.setOptions(); err != nil {
		return err
	}
	key := k.Args().First()
	value, err := k.value(k.Args().Get(1))
	if err != nil {
		return err
	}
	l, err := k.leader()
	if err != nil {
		return err
	}
	token, err := k.shownToken(l, key)
	if err != nil {
		return err
	}
	r, err := l.do(k.ctx(), "KVD.RESOLVE", key, value, "TOKEN", token)
	if err != nil {
		return err
	}
	after := r.field("token").text
	if err := k.session.shownBy(after); err != nil {
		return err
	}
	return k.out.put(k.dotted(done(keyFact(key), wordFact("dot", r.field("dot").text), wordFact("token", after))))
}

// shownToken says what a resolution goes over. If nobody says it, it is what the
// leader shows now, which the user is told.
func (k *call) shownToken(l *leader, key string) (string, error) {
	if token := k.String("token"); token != "" {
		return token, nil
	}
	if k.session.find(key) >= 0 {
		return k.session.token(key), nil
	}
	r, err := k.reading(l, key)
	if err != nil {
		return "", err
	}
	if len(r.values) == 0 {
		return "", k.absent("there is nothing to resolve, at " + l.String())
	}
	k.say(fmt.Sprintf("over %s: %s", count(len(r.values), "value"), glimpse(r.values)))
	return r.token, nil
}

// glimpse is the first of the values, each as far as a line of talk takes it: of
// thousands the user needs the number more than the values.
func glimpse(values []string) string {
	const most = 8
	var first []string
	for _, v := range values[:min(len(values), most)] {
		first = append(first, cut(v))
	}
	if more := len(values) - len(first); more > 0 {
		return fmt.Sprintf("%s and %d more", joined(first), more)
	}
	return joined(first)
}
