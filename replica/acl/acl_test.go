package acl

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// quickly is a hash that does not take long: the least rounds that are allowed.
func quickly(t *testing.T, password string) string {
	t.Helper()
	h := hash{rounds: minRounds, salt: []byte("12345678")}
	sum, err := h.of(password)
	if err != nil {
		t.Fatal(err)
	}
	h.sum = sum
	return h.String()
}

func users(t *testing.T, lines ...string) *Users {
	t.Helper()
	u, err := ReadUsers(strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestUsersFile(t *testing.T) {
	line := quickly(t, "secret")
	u := users(t, "# people", "", "ann:"+line)
	for _, c := range []struct {
		user, password string
		want           bool
	}{
		{"ann", "secret", true}, {"ann", "secret", true}, {"ann", "wrong", false}, {"ann", "", false}, {"bob", "secret", false}, {"", "", false},
	} {
		u.throttle = newThrottle()
		user, err := u.Login(context.Background(), c.user, c.password, "127.0.0.1:9")
		if (err == nil) != c.want || err != nil && !errors.Is(err, ErrDenied) {
			t.Errorf("%s with %q: %v, %v", c.user, c.password, user, err)
		}
	}
	for _, bad := range []string{
		"", "ann", "ann:", "ann:secret", "@leader:" + line, "ann:" + line + "\nann:" + line,
		"ann:" + strings.Replace(line, "10000", "1", 1), "ann:" + line[:len(line)-8],
		"ann:" + line + ":", "ann:" + line + ":reader", "ann:" + line + ":read,read", "ann:" + line + ":read,", "ann:" + line + ": read",
		"ann:" + line + ":read:a,", "ann:" + line + ":read:,a", `ann:` + line + `:read:a\`, `ann:` + line + `:read:\q`, `ann:` + line + `:read:\x4`,
	} {
		_, err := ReadUsers(strings.NewReader(bad))
		if err == nil {
			t.Errorf("%q is taken for a users file", bad)
			continue
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("the refusal repeats what may be a password: %v", err)
		}
	}
}

func TestFieldsOfALine(t *testing.T) {
	line := quickly(t, "x")
	for _, c := range []struct {
		fields string
		want   Rights
	}{
		{"", Rights{Roles: All}},
		{":read", Rights{Roles: Read}},
		{":admin,read:", Rights{Roles: Read | Admin}},
		{":write:user:,cart:", Rights{Write, []string{"cart:", "user:"}}},
		{":read:a,ab,abc,b", Rights{Read, []string{"a", "b"}}},
		{`:read:a\,b,\\,\x20\x00,ü`, Rights{Read, []string{" \x00", `\`, "a,b", "ü"}}},
	} {
		e, err := parseLine("ann:" + line + c.fields)
		if err != nil {
			t.Errorf("%q: %v", c.fields, err)
			continue
		}
		slices.Sort(c.want.Prefixes)
		if got := e.user.Rights(); got.Roles != c.want.Roles || !slices.Equal(got.Prefixes, c.want.Prefixes) {
			t.Errorf("%q is %+v, not %+v", c.fields, got, c.want)
		}
	}
}

func TestMay(t *testing.T) {
	for _, c := range []struct {
		has  *Rights
		need Roles
		want bool
	}{
		{nil, 0, true}, {nil, All, true},
		{&Rights{}, Anyone, false}, {&Rights{}, Read, false},
		{&Rights{Roles: Read}, Anyone, true}, {&Rights{Roles: Read}, Read, true}, {&Rights{Roles: Read}, Read | Write, false},
		{&Rights{Roles: All}, 0, false}, // what says nothing is for nobody
		{&Rights{Roles: Admin}, Read, false}, {&Rights{Roles: Write}, Write | Anyone, true},
	} {
		if c.has.May(c.need) != c.want {
			t.Errorf("%+v may %s: %t", c.has, c.need, !c.want)
		}
	}
}

// The search among prefixes finds what a look at each of them finds, for texts and
// bytes alike.
func TestReachesIsALookAtEachPrefix(t *testing.T) {
	text := rapid.StringOfN(rapid.RuneFrom([]rune("ab,\\\x00")), 0, 5, -1)
	rapid.Check(t, func(t *rapid.T) {
		given := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("ab,\\\x00")), 1, 4, -1), 1, 6).Draw(t, "prefixes")
		key := text.Draw(t, "key")
		prefixes, err := ParsePrefixes(FormatPrefixes(given))
		if err != nil {
			t.Fatal(err)
		}
		r := &Rights{Roles: Read, Prefixes: prefixes}
		want := slices.ContainsFunc(given, func(p string) bool { return strings.HasPrefix(key, p) })
		if r.Reaches(key) != want || r.ReachesBytes([]byte(key)) != want {
			t.Fatalf("%q among %q: %t and %t, not %t", key, prefixes, r.Reaches(key), r.ReachesBytes([]byte(key)), want)
		}
	})
	r := &Rights{Roles: Read, Prefixes: []string{"a:", "b:"}}
	key := []byte("b:" + strings.Repeat("long", 50))
	if n := testing.AllocsPerRun(100, func() { _ = r.May(Read) && r.ReachesBytes(key) }); n != 0 {
		t.Errorf("a look at a key allocates %v times", n)
	}
}

func TestReload(t *testing.T) {
	a, b := quickly(t, "a"), quickly(t, "b")
	u := users(t, "ann:"+a+":read:x", "bob:"+a, "cat:"+a)
	in := func(name, password string) *User {
		t.Helper()
		u.throttle = newThrottle()
		user, err := u.Login(context.Background(), name, password, "here")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return user
	}
	ann, bob, cat := in("ann", "a"), in("bob", "a"), in("cat", "a")
	same := cat.Rights()
	reload := func(file string) error {
		fresh, err := ReadUsers(strings.NewReader(file))
		if err == nil {
			u.Adopt(fresh)
		}
		return err
	}
	if err := reload("ann:" + a + ":write\nbob:" + b + "\ncat:" + a + "\ndan:" + a); err != nil {
		t.Fatal(err)
	}
	if r := ann.Rights(); ann.Revoked() || r.May(Read) || !r.May(Write) || !r.Reaches("y") {
		t.Errorf("ann has %+v", r)
	}
	if !bob.Revoked() || bob.Rights().May(Anyone) {
		t.Error("another password leaves who had the old one as they were")
	}
	if cat.Rights() != same {
		t.Error("what did not change is changed, and would spoil transactions under way")
	}
	if _, err := u.Login(context.Background(), "bob", "a", "here"); !errors.Is(err, ErrDenied) {
		t.Errorf("bob's old password: %v", err)
	}
	in("bob", "b")
	in("dan", "a")
	if in("ann", "a") != ann {
		t.Error("who stays becomes another user")
	}
	if err := reload("ann:" + a + ":everything"); err == nil || u.Len() != 4 || ann.Revoked() {
		t.Errorf("a file that is wrong: %v, and %d users are left", err, u.Len())
	}
	if err := reload("bob:" + b); err != nil || !ann.Revoked() {
		t.Errorf("ann is gone from the file, and may still come in: %v", err)
	}
}

// stalled is users whose passwords take a second to hash, and how many are hashed at
// once.
func stalled(t *testing.T) (u *Users, most, hashed *atomic.Int32) {
	u, most, hashed = users(t, "ann:"+quickly(t, "x")), &atomic.Int32{}, &atomic.Int32{}
	now := atomic.Int32{}
	u.slow = func(_ hash, password string) bool {
		hashed.Add(1)
		most.Store(max(most.Load(), now.Add(1)))
		time.Sleep(time.Second)
		now.Add(-1)
		return password == "right"
	}
	return u, most, hashed
}

// However many clients guess, from however many addresses, few hashes are under way,
// and what waits is bounded.
func TestGuessersDoNotOccupyTheProcessors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, most, hashed := stalled(t)
		u.throttle.waiting = maxWaiting - 100 // as many others wait for ever
		results := make(chan error, 200)      // few: the race detector has 255 threads
		for i := range cap(results) {
			go func() {
				_, err := u.Login(context.Background(), "ann", fmt.Sprint(i), fmt.Sprintf("10.0.%d.%d:1", i/256, i%256))
				results <- err
			}()
		}
		synctest.Wait()
		if n := waiting(u); n != maxWaiting {
			t.Errorf("%d passwords wait; the bound is %d", n, maxWaiting)
		}
		busy := 0
		for range cap(results) {
			if err := <-results; errors.As(err, new(*BusyError)) {
				busy++
			} else if !errors.Is(err, ErrDenied) {
				t.Fatal(err)
			}
		}
		slots := max(1, runtime.GOMAXPROCS(0)/4)
		if int(most.Load()) > slots {
			t.Errorf("%d hashes at once; the bound is %d", most.Load(), slots)
		}
		if int(hashed.Load()) > 11*slots || busy+int(hashed.Load()) != cap(results) {
			t.Errorf("%d were hashed and %d turned away, of %d", hashed.Load(), busy, cap(results))
		}
	})
}

// waiting is how many passwords wait.
func waiting(u *Users) int {
	u.throttle.mu.Lock()
	defer u.throttle.mu.Unlock()
	return u.throttle.waiting
}

// An address from which wrong passwords come waits longer after each; a right one
// ends that, and other addresses do not notice.
func TestAnAddressWaitsAfterWrongPasswords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, _, _ := stalled(t)
		took := func(password, from string) time.Duration {
			began := time.Now()
			_, err := u.Login(context.Background(), "ann", password, from)
			if (err == nil) != (password == "right") {
				t.Fatalf("%s: %v", password, err)
			}
			return time.Since(began) - time.Second
		}
		for i, want := range []time.Duration{0, 250, 500, 1000, 2000, 4000, 8000, 8000} {
			if got := took(fmt.Sprint(i), "[2001:db8::1]:5"); got != want*time.Millisecond {
				t.Errorf("guess %d waits %s, not %s", i+1, got, want*time.Millisecond)
			}
		}
		if got := took("no", "10.0.0.1:5"); got != 0 {
			t.Errorf("another address waits %s", got)
		}
		if got := took("right", "[2001:db8::2]:6"); got != 7*time.Second { // one has gone by
			t.Errorf("the right password from the same network waits %s", got)
		}
		began := time.Now()
		if _, err := u.Login(context.Background(), "ann", "right", "[2001:db8::1]:5"); err != nil || time.Since(began) > 0 {
			t.Errorf("a password that was right before waits %s: %v", time.Since(began), err)
		}
		if got := took("again", "[2001:db8::1]:5"); got != 0 {
			t.Errorf("after a right password the address waits %s", got)
		}
		time.Sleep(resetAfter + time.Second)
		if got := took("later", "[2001:db8::1]:5"); got != 0 {
			t.Errorf("after a minute the address waits %s", got)
		}
	})
}

// Many clients of one program come at once with one password: one hash is enough.
func TestACrowdOfOneUserTakesOneHash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, _, hashed := stalled(t)
		done := make(chan error, 200)
		for range cap(done) {
			go func() {
				_, err := u.Login(context.Background(), "ann", "right", "10.0.0.1:5")
				done <- err
			}()
		}
		for range cap(done) {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		if hashed.Load() != 1 {
			t.Errorf("%d hashes", hashed.Load())
		}
	})
}

// Whoever waits in line can give up, and addresses that are remembered are bounded.
func TestALineCanBeLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, _, _ := stalled(t)
		for i := range 3 {
			u.Login(context.Background(), "ann", fmt.Sprint(i), "10.0.0.1:5")
		}
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(time.Millisecond, cancel)
		if _, err := u.Login(ctx, "ann", "right", "10.0.0.1:5"); !errors.Is(err, context.Canceled) || waiting(u) != 0 {
			t.Errorf("%v, and %d wait", err, waiting(u))
		}
		for i := range maxAddrs + 10 {
			a, err := u.throttle.join(fmt.Sprint("host", i))
			if err != nil {
				t.Fatal(err)
			}
			u.throttle.leave(a)
		}
		if n := len(u.throttle.addrs); n != maxAddrs {
			t.Errorf("%d addresses are remembered", n)
		}
	})
}
