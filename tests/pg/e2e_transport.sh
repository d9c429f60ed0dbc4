# How the archive is reached: TLS with a private authority, HTTP/2, proxies from the environment, buckets in the host name.
. "$FIRN_SRC/tests/lib/e2e_common.sh"
. "$FIRN_SRC/tests/lib/tls.sh"

S3_PORT=${FIRN_TEST_S3_ENDPOINT##*:}
lines() { wc -l <"$T/$1.log"; }

certificate other "DNS:other.example"

fresh_db
e2e_tables 2 40
e2e_env "$(s3_archive)"
ALL=$(e2e_digest)

# ---- TLS ----
relay tls tls "$T/good.pem" "$T/good.key" "$S3_PORT"
FIRN_S3_ENDPOINT=https://127.0.0.1:$(cat "$T/tls.port")
export FIRN_S3_ENDPOINT
exits "an authority that nobody knows is not trusted" 78 "$FIRN" init
like "with what to set" "$ERR" "ca_file|--s3-ca-file"
export FIRN_S3_CA_FILE=$T/ca.pem
exits "named, it is" 0 "$FIRN" init
BEFORE=$(lines tls)
exits "a pass over TLS" 0 "$FIRN" pass -vv
CALLS=$(sed -nE 's/.*archive: ([0-9]+) calls.*/\1/p' <<<"$ERR" | awk '{ n += $1 } END { print n + 0 }')
CONNECTIONS=$(($(lines tls) - BEFORE))
like "by TLS 1.2 or later" "$(sort -u "$T/tls.log")" '^connection TLSv1\.[23]$'
ok "connections are used again: $CONNECTIONS of them for $CALLS calls" [ $((CONNECTIONS * 4)) -le "$CALLS" ]
exits "rows come back over TLS" 0 "$FIRN" rehydrate --where-cold all
is "bit for bit" "$(e2e_digest)" "$ALL"
relay other tls "$T/other.pem" "$T/other.key" "$S3_PORT"
exits "a certificate of another host is refused" 78 "$FIRN" init --s3-endpoint "https://127.0.0.1:$(cat "$T/other.port")"
like "with whose name it is that does not fit" "$ERR" "by a name that the certificate was made for"
exits "so is plain HTTP where TLS is spoken" 69 "$FIRN" init --s3-endpoint "http://127.0.0.1:$(cat "$T/tls.port")"
like "with the endpoint that may be meant" "$ERR" "give its endpoint as https://"
exits "a file of authorities that is not there" 78 "$FIRN" init --s3-ca-file "$T/none.pem"
like "is named" "$ERR" "none\.pem"

# ---- HTTP/2 ----
if command -v nghttpx >/dev/null; then
	http2_start
	exits "a pass over HTTP/2" 0 "$FIRN" pass --s3-endpoint "$H2"
	exits "and the way back" 0 "$FIRN" rehydrate --where-cold all --s3-endpoint "$H2"
	is "bit for bit too" "$(e2e_digest)" "$ALL"
	poll_until 20 grep -q PUT "$T/h2.log"
	like "which it was" "$(grep PUT "$T/h2.log" | tail -n 1)" 'HTTP/2'
else
	diag "no nghttpx here: HTTP/2 is not tried"
fi

# ---- proxies ----
relay proxy proxy
http_proxy=http://127.0.0.1:$(cat "$T/proxy.port")
export http_proxy https_proxy=$http_proxy
exits "a pass by a proxy of the environment" 0 env FIRN_S3_ENDPOINT="$FIRN_TEST_S3_ENDPOINT" "$FIRN" pass
ok "goes through it" grep -q '^PUT http://127.0.0.1:' "$T/proxy.log"
exits "TLS by a tunnel" 0 "$FIRN" rehydrate --where-cold all
ok "goes through it, too" grep -q '^CONNECT 127.0.0.1:' "$T/proxy.log"
is "bit for bit as before" "$(e2e_digest)" "$ALL"
BEFORE=$(lines proxy)
exits "what no_proxy names" 0 env no_proxy=127.0.0.1 "$FIRN" init
is "does not go there" "$(lines proxy)" "$BEFORE"

# ---- buckets with dots ----
# No certificate covers dots.in.bucket.localhost, so such a bucket is asked for by path. All rows are hot by now.
DOTS=dots.$$.$(basename "$T" | tr -dc a-z0-9)
other make "$DOTS"
exits "a bucket with dots in its name over TLS" 0 "$FIRN" init --archive "s3://$DOTS/a" --s3-path-style no \
	--s3-endpoint "https://localhost:$(cat "$T/tls.port")"
done_testing
