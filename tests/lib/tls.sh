# TLS in front of the S3 server; source it after tests/lib/firn.sh. The authority's certificate is $T/ca.pem, and
# $T/good.pem with $T/good.key what it gave 127.0.0.1 and localhost.
#
#     certificate NAME SUBJECTALTNAME   another one, in $T/NAME.pem and $T/NAME.key
#     http2_start                       a server of HTTP/2 at $H2, which logs requests to $T/h2.log

certificate() {
	openssl req -newkey rsa:2048 -nodes -keyout "$T/$1.key" -out "$T/$1.csr" -subj "/CN=$1" 2>/dev/null
	openssl x509 -req -in "$T/$1.csr" -CA "$T/ca.pem" -CAkey "$T/ca.key" -CAcreateserial -days 2 -out "$T/$1.pem" \
		-extfile <(echo "subjectAltName=$2") 2>/dev/null
}

http2_start() {
	local port
	port=$("$FIRN_SRC/tools/free-ports")
	H2=https://127.0.0.1:$port
	# Without the system's configuration, whose port is another one's if two run.
	nghttpx --conf=/dev/null -f "127.0.0.1,$port" -b "127.0.0.1,${FIRN_TEST_S3_ENDPOINT##*:}" --no-ocsp --workers=1 \
		--accesslog-file="$T/h2.log" --accesslog-format='$request' "$T/good.key" "$T/good.pem" >"$T/nghttpx.out" 2>&1 &
	ok "a server of HTTP/2" poll_until 20 curl -s -o /dev/null --cacert "$T/ca.pem" "$H2/"
}

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout "$T/ca.key" -out "$T/ca.pem" -subj "/CN=test authority" 2>/dev/null
certificate good "IP:127.0.0.1,DNS:localhost"
