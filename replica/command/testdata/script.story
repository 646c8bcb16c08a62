# a lock as redis-py and others release it
SET lock me PX 30000
EVAL "if redis.call('get',KEYS[1]) == ARGV[1] then return redis.call('del',KEYS[1]) else return 0 end" 1 lock you
EVAL "if redis.call('get',KEYS[1]) == ARGV[1] then return redis.call('del',KEYS[1]) else return 0 end" 1 lock me
EVAL "if redis.call('get',KEYS[1]) == ARGV[1] then return redis.call('del',KEYS[1]) else return 0 end" 1 lock me
SCRIPT LOAD "local token = redis.call('get', KEYS[1])\n if not token or token ~= ARGV[1] then return 0 end\n redis.call('del', KEYS[1])\n return 1"
SET lock me PX 30000
EVALSHA 39afcf3a4ffb8ac71d2e6c8ab3d16e7cf4e5e3d4 1 lock me
EVALSHA {token} 1 lock you
EVALSHA {token} 1 lock me
EXISTS lock
# extended
SET lock me PX 30000
EVAL "local token = redis.call('get', KEYS[1])\nif not token or token ~= ARGV[1] then\n return 0\nend\nlocal expiration = redis.call('pttl', KEYS[1])\nif not expiration then\n expiration = 0\nend\nif expiration < 0 then\n return 0\nend\nlocal newttl = ARGV[2]\nif ARGV[3] == \"0\" then\n newttl = ARGV[2] + expiration\nend\nredis.call('pexpire', KEYS[1], newttl)\nreturn 1" 1 lock me 5000 1
PTTL lock
EVAL "local token = redis.call('get', KEYS[1]) if not token or token ~= ARGV[1] then return 0 end local expiration = redis.call('pttl', KEYS[1]) if not expiration then expiration = 0 end if expiration < 0 then return 0 end local newttl = ARGV[2] if ARGV[3] == '0' then newttl = ARGV[2] + expiration end redis.call('pexpire', KEYS[1], newttl) return 1" 1 lock me 5000 0
PTTL lock
EVAL "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) elseif redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') then return 1 else return 0 end" 1 other me 9000
PTTL other
EVAL "local val = redis.call('GET', KEYS[1]) if val == ARGV[1] then return redis.call('DEL', KEYS[1]) elseif val == false then return -1 else return 0 end" 1 none me
# over the keys, of which there is one
EVAL "local count = 0 for i, key in ipairs(KEYS) do if redis.call('get', key) == ARGV[1] then redis.pcall('del', key) count = count + 1 end end return count" 1 other me
EVAL "for i, key in ipairs(KEYS) do if redis.call('exists', key) == 1 then return 0 end end for i, key in ipairs(KEYS) do redis.call('set', key, ARGV[1], 'PX', ARGV[2]) end return #KEYS" 1 other me 7000
GET other
# a window that counts
EVAL "local c = redis.call('incr', KEYS[1]) if c == 1 then redis.call('expire', KEYS[1], ARGV[1]) end return c" 1 window 60
EVAL "local c = redis.call('incr', KEYS[1]) if c == 1 then redis.call('expire', KEYS[1], ARGV[1]) end return c" 1 window 60
TTL window
EVAL "redis.call('incrby', KEYS[1], ARGV[1]) return tonumber(redis.call('get', KEYS[1]) or '0') * 2 - 1" 1 window 3
GET window
# what scripts answer
EVAL "return 1" 0
EVAL "return" 0
EVAL "" 0
EVAL "return 3.99" 0
EVAL "return 'text'" 0
EVAL "return true" 0
EVAL "return false" 0
EVAL "return not nil" 0
EVAL "return nil" 0
EVAL "return 1 + 2 * 3 == 7 and 'yes' or 'no'" 0
EVAL "return (1 + 2) * 3 - -1" 0
EVAL "return 10 / 4" 0
EVAL "return ARGV[1]" 0 a
EVAL "return ARGV[2]" 0 a
EVAL "return #ARGV" 0 a b
EVAL "return tostring(12)" 0
EVAL "return tonumber('x')" 0
EVAL "return redis.status_reply('FINE')" 0
EVAL "return redis.error_reply('ERR mine')" 0
EVAL "local a, b = 1, 2 local a = b + a do local a = 9 end return a --[[ no ]] -- end" 0
EVAL "return redis.call('set', KEYS[1], 'v')" 1 k
EVAL "return redis.call('get', KEYS[1])" 1 k
EVAL "return redis.call('get', KEYS[1])" 1 none
EVAL "return redis.call('ttl', KEYS[1])" 1 none
EVAL "redis.call('set', KEYS[1], 'w', 'EX', 100) redis.call('persist', KEYS[1]) redis.call('append', KEYS[1], 'x') return redis.call('ttl', KEYS[1])" 1 k
GET k
EVAL "return redis.call('getset', KEYS[1], 'again')" 1 k
EVAL "return redis.call('getdel', KEYS[1])" 1 k
EVAL "return redis.call('setnx', KEYS[1], 'n')" 1 k
EVAL "redis.call('del', KEYS[1]) return redis.call('incr', KEYS[1])" 1 k
EVAL_RO "return redis.call('get', KEYS[1])" 1 k
EVAL_RO "return redis.call('del', KEYS[1])" 1 k
# what is wrong with them
EVAL "return 1"
EVAL "return 1" x
EVAL "return 1" -1
EVAL "return 1" 2 a
EVALSHA abc 0
EVAL "return redis.call('incr', KEYS[1])" 1 lock
EVAL "return redis.call('pexpire', KEYS[1], 'x')" 1 k
EVAL "return redis.call('get', ARGV[1])" 1 k other
EVAL "return redis.call('mget', KEYS[1], KEYS[2])" 2 k other
EVAL "return redis.call('hset', KEYS[1], 'f', 1)" 1 k
EVAL "return math.floor(1.5)" 0
EVAL "return 'a' .. 'b'" 0
EVAL "return 1 return 2 x" 0
EVAL "if 1 then" 0
EVAL "return 'a" 0
EVAL "return 1 < 'x'" 0
EVAL "return 1 + 'x'" 0
EVAL "return redis.status_reply('a\r\nb')" 0
@siblings s one two
EVAL "return redis.call('get', KEYS[1])" 1 s
SCRIPT EXISTS {token} abc
SCRIPT FLUSH
SCRIPT EXISTS {token}
SCRIPT FLUSH NOW
SCRIPT KILL
SCRIPT NOPE
EVAL "while true do end" 0
