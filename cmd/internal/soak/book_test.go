package soak

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// book is what clients were told, and what they must allow for: a write whose
// reply did not come may have been done.
type book struct {
	mu       sync.Mutex
	dots     map[string]uint64              // greatest sequence number acknowledged, by origin
	elements map[string]map[string]struct{} // acknowledged additions to sets, by key
	values   map[string]map[string]bool     // what a register may hold, by key: acknowledged, or maybe
	counted  map[string]*count
	lasting  map[string]string // keys whose deadline is far off
	ending   map[string]struct{}
	acked    int
	unknown  int
	refused  map[string]int // by the reply's first word
}

// count is what was added to a counter.
type count struct{ acked, unknown int64 }

func newBook() *book {
	return &book{dots: map[string]uint64{}, elements: map[string]map[string]struct{}{}, values: map[string]map[string]bool{},
		counted: map[string]*count{}, lasting: map[string]string{}, ending: map[string]struct{}{}, refused: map[string]int{}}
}

// outcome is what is known of a write.
type outcome uint8

const (
	done   outcome = iota // acknowledged
	maybe                 // no reply
	denied                // refused: it was not done
)

// told sorts a write's error, and counts it.
func (b *book) told(err error) outcome {
	b.mu.Lock()
	defer b.mu.Unlock()
	var refusal redis.Error
	switch {
	case err == nil || errors.Is(err, redis.Nil):
		b.acked++
		return done
	case errors.As(err, &refusal):
		word, _, _ := strings.Cut(err.Error(), " ")
		b.refused[word]++
		return denied
	}
	b.unknown++
	return maybe
}

// acknowledged is how many writes were.
func (b *book) acknowledged() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.acked
}

// wrote enters the dot that a KVD command answered.
func (b *book) wrote(reply any) error {
	dot, err := field(reply, "dot")
	if err != nil {
		return err
	}
	origin, seq, err := parseDot(dot.(string))
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dots[origin] = max(b.dots[origin], seq)
	return nil
}

func parseDot(dot string) (origin string, seq uint64, err error) {
	origin, after, ok := strings.Cut(dot, "-")
	if _, err = fmt.Sscan(after, &seq); !ok || err != nil {
		return "", 0, fmt.Errorf("%q is no dot", dot)
	}
	return origin, seq, nil
}

// field is one of the names of a reply that is a map, flat as RESP2 has it.
func field(reply any, name string) (any, error) {
	list, _ := reply.([]any)
	for i := 0; i+1 < len(list); i += 2 {
		if list[i] == name {
			return list[i+1], nil
		}
	}
	return nil, fmt.Errorf("the reply %v has no %s", reply, name)
}

func (b *book) register(key, value string, o outcome) {
	if o == denied {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.values[key] == nil {
		b.values[key] = map[string]bool{}
	}
	b.values[key][value] = o == done
}

func (b *book) element(key, element string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.elements[key] == nil {
		b.elements[key] = map[string]struct{}{}
	}
	b.elements[key][element] = struct{}{}
}

func (b *book) add(key string, o outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.counted[key] == nil {
		b.counted[key] = &count{}
	}
	switch o {
	case done:
		b.counted[key].acked++
	case maybe:
		b.counted[key].unknown++
	}
}

// holds compares one leader with the book.
func (b *book) holds(ctx context.Context, l *leader) (wrong []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	complain := func(format string, args ...any) { wrong = append(wrong, l.name+": "+fmt.Sprintf(format, args...)) }
	b.holdsDots(ctx, l, complain)
	b.holdsSets(ctx, l, complain)
	for _, key := range slices.Sorted(maps.Keys(b.values)) {
		got, err := l.client.Get(ctx, key).Result()
		if _, known := b.values[key][got]; !known && (err == nil || b.certain(key)) {
			complain("%s shows %.40q, %v: nobody wrote that", key, got, err)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(b.counted)) {
		n, err := l.client.Get(ctx, key).Int64()
		if errors.Is(err, redis.Nil) { // nothing was added
			n, err = 0, nil
		}
		if c := b.counted[key]; err != nil || n < c.acked || n > c.acked+c.unknown {
			complain("%s is %d, %v: %d were acknowledged and %d may have been done", key, n, err, c.acked, c.unknown)
		}
		if ends, err := l.client.TTL(ctx, key).Result(); err != nil || strings.HasPrefix(key, "cnt:ends:") && ends <= 0 {
			complain("%s has lost its deadline: %v, %v", key, ends, err)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(b.lasting)) {
		if got, err := l.client.Get(ctx, key).Result(); err != nil || got != b.lasting[key] {
			complain("%s shows %q, %v: its deadline is far off", key, got, err)
		}
	}
	if keys := slices.Sorted(maps.Keys(b.ending)); len(keys) > 0 {
		if n, err := l.client.Exists(ctx, keys...).Result(); err != nil || n > 0 {
			complain("%d of %d keys are there past their deadline, %v", n, len(keys), err)
		}
	}
	return wrong
}

// certain reports whether some write to the key was acknowledged.
func (b *book) certain(key string) bool {
	for _, acked := range b.values[key] {
		if acked {
			return true
		}
	}
	return false
}

// holdsDots checks whether the leader has applied all that was acknowledged.
func (b *book) holdsDots(ctx context.Context, l *leader, complain func(string, ...any)) {
	reply, err := l.client.Do(ctx, "KVD.FRONTIER").Result()
	if err != nil {
		complain("no frontier: %v", err)
		return
	}
	for origin, seq := range b.dots {
		if has, err := field(reply, origin); err != nil || uint64(has.(int64)) < seq {
			complain("%d ops of origin %s were acknowledged, it has %v", seq, origin, has)
		}
	}
}

// holdsSets looks for every acknowledged element among the siblings.
func (b *book) holdsSets(ctx context.Context, l *leader, complain func(string, ...any)) {
	for _, key := range slices.Sorted(maps.Keys(b.elements)) {
		_, shown, err := readSet(ctx, l, key)
		missing := 0
		for e := range b.elements[key] {
			if _, ok := shown[e]; !ok {
				missing++
			}
		}
		if err != nil || missing > 0 {
			complain("%s lacks %d of %d elements, %v", key, missing, len(b.elements[key]), err)
		}
	}
}

// readSet is the union of a key's siblings, and the token for writing over them.
func readSet(ctx context.Context, l *leader, key string) (token string, elements map[string]struct{}, err error) {
	reply, err := l.client.Do(ctx, "KVD.GET", key).Result()
	if err != nil {
		return "", nil, err
	}
	values, err := field(reply, "values")
	if err != nil {
		return "", nil, err
	}
	elements = map[string]struct{}{}
	for _, v := range values.([]any) {
		for e := range strings.FieldsSeq(v.(string)) {
			elements[e] = struct{}{}
		}
	}
	t, err := field(reply, "token")
	if err != nil {
		return "", nil, err
	}
	return t.(string), elements, nil
}
