/*
 * adapter_mqtt.c - MQTT 3.1.1 at quality of service 0, for Mosquitto: OASIS, "MQTT
 * Version 3.1.1", 2014.
 */
#include <stdio.h>
#include <string.h>

#include "tests/bench/bench.h"

enum packet {
	CONNECT = 0x10,
	PUBLISH = 0x30,
	SUBSCRIBE = 0x82,
	SUBACK = 0x90,
	DISCONNECT = 0xe0
};

/* The fixed header; len is that of what follows. */
static char *
put_head(char *to, enum packet type, size_t len)
{
	*to++ = (char)type;
	do {
		*to++ = (char)((len & 0x7f) | (len > 0x7f ? 0x80 : 0));
		len >>= 7;
	} while (len > 0);
	return to;
}

static char *
put_string(char *to, const char *text, size_t len)
{
	*to++ = (char)(len >> 8);
	*to++ = (char)len;
	return mempcpy(to, text, len);
}

static size_t
mqtt_login(char *to, unsigned user)
{
	static const char connect[] =
	    "\0\4MQTT\4\2\0\0"; /* clean session, no keep-alive */
	char name[16], *at;
	size_t len = (size_t)snprintf(name, sizeof(name), "u%u", user);

	at = put_head(to, CONNECT, sizeof(connect) - 1 + 2 + len);
	at = mempcpy(at, connect, sizeof(connect) - 1);
	at = put_string(at, name, len);
	at = put_head(at, SUBSCRIBE, 2 + 2 + len + 1 + 2 + 3 + 1);
	at = mempcpy(at, "\0\1", 2); /* packet identifier */
	at = put_string(at, name, len);
	*at++ = 0; /* quality of service */
	at = put_string(at, "all", 3);
	*at++ = 0;
	return (size_t)(at - to);
}

static size_t
publish(char *to, const char *topic, const char *payload, size_t len)
{
	size_t topic_len = strlen(topic);
	char *at = put_head(to, PUBLISH, 2 + topic_len + len);

	at = put_string(at, topic, topic_len);
	return (size_t)((char *)mempcpy(at, payload, len) - to);
}

static size_t
mqtt_send(char *to, unsigned user, const char *payload, size_t len)
{
	char topic[16];

	snprintf(topic, sizeof(topic), "u%u", user);
	return publish(to, topic, payload, len);
}

static size_t
mqtt_cast(char *to, const char *payload, size_t len)
{
	return publish(to, "all", payload, len);
}

static size_t
mqtt_quit(char *to)
{
	return (size_t)(put_head(to, DISCONNECT, 0) - to);
}

static size_t
mqtt_parse(const char *in, size_t len, struct heard_frame *ret)
{
	const unsigned char *b = (const unsigned char *)in;
	size_t at = 1, size = 0, topic;
	unsigned shift = 0;

	do {
		if (at >= len)
			return 0;
		size |= (size_t)(b[at] & 0x7f) << shift;
		shift += 7;
	} while (b[at++] & 0x80);
	if (at + size > len)
		return 0;
	if (b[0] == SUBACK)
		ret->what = HEARD_READY;
	if ((b[0] & 0xf0) == PUBLISH) {
		topic = (size_t)b[at] << 8 | b[at + 1];
		ret->what = b[at + 2] == 'a' ? HEARD_CAST : HEARD_MESSAGE;
		ret->payload = in + at + 2 + topic;
	}
	return at + size;
}

const struct adapter adapter_mqtt = {
	.name = "mqtt",
	.echoes = true,
	.login = mqtt_login,
	.send = mqtt_send,
	.cast = mqtt_cast,
	.quit = mqtt_quit,
	.parse = mqtt_parse,
};
