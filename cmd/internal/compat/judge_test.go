package compat

import (
	"slices"
	"strings"
	"time"
)

// judge compares the replies of one story.
type judge struct {
	tables *tables
	began  time.Time
	proto  int
	queued [2][][]string // what each connection queued after MULTI
	open   [2]bool       // between MULTI and EXEC
}

// look compares what one act was answered. A difference that is listed sets the
// servers apart, unless both refused.
func (j *judge) look(a act, redis, kvd reply) (d *difference, apart bool) {
	if a.raw {
		return j.verdict(a.args, redis, kvd)
	}
	name := strings.ToLower(a.args[0])
	if name == "exec" && j.open[a.conn] && len(redis.Items) == len(kvd.Items) && len(redis.Items) == len(j.queued[a.conn]) && redis.Kind == '*' && kvd.Kind == '*' {
		defer j.close(a.conn)
		for i, args := range j.queued[a.conn] {
			one, was := j.verdict(args, redis.Items[i], kvd.Items[i])
			if one != nil || was {
				return one, was
			}
		}
		return nil, false
	}
	d, apart = j.verdict(a.args, redis, kvd)
	switch {
	case name == "exec", name == "discard", name == "reset":
		j.close(a.conn)
	case name == "multi" && !isError(redis):
		j.open[a.conn] = true
	case redis.Kind == '+' && redis.Text == "QUEUED":
		j.queued[a.conn] = append(j.queued[a.conn], a.args)
	}
	return d, apart
}

func (j *judge) close(conn int) { j.open[conn], j.queued[conn] = false, nil }

func (j *judge) verdict(args []string, redis, kvd reply) (d *difference, apart bool) {
	switch {
	case j.fits(args, redis, kvd):
		return nil, false
	case j.tables.listed(args, redis, kvd):
		return nil, !isError(redis) || !isError(kvd)
	}
	return &difference{args: args, redis: redis, kvd: kvd}, false
}

// fits reports whether two replies say the same. Errors always do it word by word.
func (j *judge) fits(args []string, redis, kvd reply) bool {
	if redis.Equal(kvd) {
		return true
	}
	loosely := loose[subject(args)]
	return loosely != nil && !isError(redis) && !isError(kvd) && redis.Kind == kvd.Kind && redis.Null == kvd.Null && loosely(j, redis, kvd)
}

// subject is the command's name as the tables write it, with the subcommand if
// that is compared in its own way.
func subject(args []string) string {
	name := strings.ToUpper(args[0])
	if len(args) > 1 {
		if sub := name + " " + strings.ToUpper(args[1]); loose[sub] != nil {
			return sub
		}
	}
	return name
}

// loose is how replies are compared that cannot be the same byte by byte. What is
// here is what the table of COMPATIBILITY.md says, and a test holds it to that.
var loose = map[string]func(j *judge, redis, kvd reply) bool{
	"TTL":             timeNear(time.Second),
	"PTTL":            timeNear(time.Millisecond),
	"EXPIRETIME":      timeNear(time.Second),
	"PEXPIRETIME":     timeNear(time.Millisecond),
	"KEYS":            sameInAnyOrder,
	"PUBSUB CHANNELS": sameInAnyOrder,
	"SCAN":            samePage,
	"RANDOMKEY":       sameKind,
	"TIME":            sameShape,
	"LASTSAVE":        sameKind,
	"HELLO":           sameHello,
	"INFO":            sameKind,
	"CLIENT ID":       sameKind,
	"CLIENT INFO":     sameKind,
	"CLIENT LIST":     sameKind,
	"CONFIG GET":      sameKind,
	"COMMAND":         sameKind,
	"COMMAND COUNT":   sameKind,
	"COMMAND DOCS":    sameKind,
	"COMMAND INFO":    sameKind,
	"COMMAND LIST":    sameKind,
	"MEMORY USAGE":    sameKind,
	"ACL HELP":        sameKind,
	"CLIENT HELP":     sameKind,
	"COMMAND HELP":    sameKind,
	"CONFIG HELP":     sameKind,
	"LATENCY HELP":    sameKind,
	"MEMORY HELP":     sameKind,
	"PUBSUB HELP":     sameKind,
	"SCRIPT HELP":     sameKind,
	"SLOWLOG GET":     sameKind,
	"SLOWLOG LEN":     sameKind,
	"LATENCY LATEST":  sameKind,
	"SLOWLOG HELP":    sameKind,
	"OBJECT HELP":     sameKind,
	"OBJECT IDLETIME": sameKind,
	"ROLE":            sameShape,
}

// timeNear allows what passed since the story began, and a unit of rounding.
func timeNear(unit time.Duration) func(*judge, reply, reply) bool {
	return func(j *judge, redis, kvd reply) bool {
		if redis.Int < 0 || kvd.Int < 0 {
			return false
		}
		apart := max(redis.Int-kvd.Int, kvd.Int-redis.Int)
		return apart <= int64(time.Since(j.began)/unit)+1
	}
}

func sameKind(*judge, reply, reply) bool { return true }

func sameShape(_ *judge, redis, kvd reply) bool {
	return slices.EqualFunc(redis.Items, kvd.Items, func(a, b reply) bool { return a.Kind == b.Kind })
}

func sameInAnyOrder(_ *judge, redis, kvd reply) bool {
	return slices.Equal(texts(redis), texts(kvd))
}

func texts(r reply) []string {
	var all []string
	for _, in := range r.Items {
		all = append(all, shown(in))
	}
	slices.Sort(all)
	return all
}

// samePage compares the keys of whole scans; of unfinished ones, in a pipeline or
// transaction, that they are pages.
func samePage(_ *judge, redis, kvd reply) bool {
	page := func(r reply) bool { return len(r.Items) == 2 && r.Items[0].Kind == '$' && r.Items[1].Kind == '*' }
	if !page(redis) || !page(kvd) {
		return false
	}
	return redis.Items[0].Text != "0" || kvd.Items[0].Text != "0" || sameInAnyOrder(nil, redis.Items[1], kvd.Items[1])
}

// sameHello compares all but who answers.
func sameHello(_ *judge, redis, kvd reply) bool {
	if len(redis.Items) != len(kvd.Items) {
		return false
	}
	for i := range redis.Items {
		own := i%2 == 1 && slices.Contains([]string{"version", "id"}, redis.Items[i-1].Text)
		if redis.Items[i].Kind != kvd.Items[i].Kind || !own && !redis.Items[i].Equal(kvd.Items[i]) {
			return false
		}
	}
	return true
}
