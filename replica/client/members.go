package client

import (
	"context"
	"strings"

	"kvd/logical"
	"kvd/resolve"
)

// Member is one leader of the cluster, as another lists it.
type Member struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	RESP   string `json:"resp"`
	HTTP   string `json:"http"`
	Peer   string `json:"peer"`
	Origin string `json:"origin"`
}

// MemberOf reads the fields of a member from KVD.MEMBERS' map or INFO's lines.
func MemberOf(field func(string) string) Member {
	return Member{field("name"), field("status"), field("resp"), field("http"), field("peer"), field("origin")}
}

// Members asks a leader who the others are.
func (l *Leader) Members(ctx context.Context) ([]Member, error) {
	r, err := l.Do(ctx, "KVD.MEMBERS")
	var all []Member
	for _, item := range r.Items {
		all = append(all, MemberOf(func(name string) string { return item.Field(name).Text }))
	}
	return all, err
}

// Nodes is whom a leader names as members, those that were stopped included: they come
// back, unless they are forgotten. It is the leader itself if it names nobody.
func (l *Leader) Nodes(ctx context.Context) []Node {
	members, err := l.Members(ctx)
	var all []Node
	for _, m := range members {
		if m.RESP != "" {
			all = append(all, Node{m.Name, m.RESP})
		}
	}
	if err != nil || len(all) == 0 {
		return []Node{l.Node}
	}
	return all
}

// Info is a section of what a leader says of itself, by name.
func (l *Leader) Info(ctx context.Context, section string) (map[string]string, error) {
	r, err := l.Do(ctx, "INFO", section)
	said := map[string]string{}
	for line := range strings.Lines(r.Text) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
			said[name] = value
		}
	}
	return said, err
}

// Forgotten is whom a leader has been told to forget, by name.
func (l *Leader) Forgotten(ctx context.Context) ([]string, error) {
	r, err := l.Do(ctx, "KVD.FORGOTTEN")
	var names []string
	for _, item := range r.Items {
		names = append(names, item.Field("name").Text)
	}
	return names, err
}

// Frontier is what the leader has durably applied.
func (l *Leader) Frontier(ctx context.Context) (f logical.Frontier, err error) {
	r, err := l.Do(ctx, "KVD.FRONTIER")
	if err != nil {
		return f, err
	}
	for i := 0; i+1 < len(r.Items); i += 2 {
		d, err := logical.ParseDot(r.Items[i].Text + "-" + r.Items[i+1].Text)
		if err != nil {
			return f, &Refusal{l, "KVD.FRONTIER", err}
		}
		f.Advance(d)
	}
	return f, nil
}

// Policy is who serves and who watches at the leader.
func (l *Leader) Policy(ctx context.Context) (resolve.Policy, error) {
	const cmd = "KVD.POLICY"
	r, err := l.Do(ctx, cmd)
	if err != nil {
		return resolve.Policy{}, err
	}
	p, err := policyOf(r)
	if err != nil {
		return p, &Refusal{l, cmd, err}
	}
	return p, nil
}

func policyOf(r Reply) (p resolve.Policy, err error) {
	if p.Default, err = resolve.ParseID(r.Field("default").Text); err != nil {
		return p, err
	}
	for _, name := range r.Field("shadows").Texts() {
		id, err := resolve.ParseID(name)
		if err != nil {
			return p, err
		}
		p.Shadows |= id.Mask()
	}
	rules := r.Field("rules").Items
	for i := 0; i+1 < len(rules); i += 2 {
		id, err := resolve.ParseID(rules[i+1].Text)
		if err != nil {
			return p, err
		}
		p.Rules = append(p.Rules, resolve.Rule{Prefix: rules[i].Text, Resolver: id})
	}
	return p, p.Validate()
}
