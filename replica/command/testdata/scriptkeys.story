# which key a script is given
COMMAND GETKEYS EVAL "return 1" 1 k arg
COMMAND GETKEYS EVAL "return 1" 2 k l arg
COMMAND GETKEYS EVAL "return 1" 9 k
COMMAND GETKEYS EVAL "return 1" 0 arg
COMMAND GETKEYS EVAL "return 1" x arg
COMMAND GETKEYS EVALSHA_RO abc 1 k
COMMAND INFO eval evalsha_ro
EVAL "for i, key in ipairs(KEYS) do return 'a key' end return 'none'" 0 arg
EVAL "return redis.call('get', ARGV[1])" 0 k
# in a transaction
SET lock me
MULTI
EVAL "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end" 1 lock me
GET lock
EVAL "return redis.call('incr', KEYS[1])" 1 n
EVAL "return redis.call('incr', KEYS[1])" 1 n
EVAL_RO "return redis.call('get', KEYS[1])" 1 n
EVAL "return 1 < 'x'" 0
EVAL "return ARGV[1]" 0 a
EVAL "redis.call('set', KEYS[1], 'half') return redis.call('incr', KEYS[1])" 1 other
EVAL "while true do end" 1 other
GET other
EXEC
GET n
WATCH n
EVAL "return redis.call('incr', KEYS[1])" 1 n
MULTI
EVAL "return redis.call('del', KEYS[1])" 1 n
EXEC
# a key that shows several values
@siblings s one two
APPEND s x
EVAL "return redis.call('append', KEYS[1], 'x')" 1 s
EVAL "return redis.call('set', KEYS[1], 'x')" 1 s
EVAL "return redis.call('del', KEYS[1])" 1 s
EVAL "return 1" 1 s
EVAL_RO "return redis.call('exists', KEYS[1])" 1 s
KVD.GET s
# with a condition of SET
SET k a
EVAL "return redis.call('set', KEYS[1], 'b', 'IFEQ', ARGV[1])" 1 k a
EVAL "return redis.call('set', KEYS[1], 'c', 'IFEQ', ARGV[1])" 1 k a
GET k
