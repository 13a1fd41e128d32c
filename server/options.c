/*
 * options.c - the words after poold.
 */
#include "server/options.h"

#include <getopt.h>
#include <stdio.h>

static const char usage[] = "usage: poold [-c FILE] [--check-config] [--daemon]\n"
			    "       poold --hash-password\n"
			    "       poold -V | --version | -h | --help\n";

static const char help[] =
    "\n"
    "  -c, --config FILE  configuration (default " POOLD_CONFIG ", if it exists)\n"
    "  --check-config     read the configuration, say what is wrong with it, and exit\n"
    "  --daemon           go into the background once users can connect\n"
    "  --hash-password    read a password, print its hash for the password file\n"
    "  -V, --version      print the version\n"
    "  -h, --help         print this\n"
    "\n"
    "Exit status: 0 ended in order, 1 could not start or run, 2 usage.\n"
    "See poold(8) and poold.yaml(5).\n";

enum { OPTION_CHECK_CONFIG = 256, OPTION_DAEMON, OPTION_HASH_PASSWORD };

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check-config", no_argument, NULL, OPTION_CHECK_CONFIG },
	{ "daemon", no_argument, NULL, OPTION_DAEMON },
	{ "hash-password", no_argument, NULL, OPTION_HASH_PASSWORD },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int
refuse(const char *why, const char *what)
{
	fprintf(stderr, "poold: %s%s\n%s", why, what, usage);
	return OPTIONS_EXIT_USAGE;
}

static int
take(int option, struct options *ret)
{
	switch (option) {
	case 'c':
		ret->file = optarg;
		return OPTIONS_GO_ON;
	case OPTION_CHECK_CONFIG:
		ret->check_config = true;
		return OPTIONS_GO_ON;
	case OPTION_DAEMON:
		ret->daemon = true;
		return OPTIONS_GO_ON;
	case OPTION_HASH_PASSWORD:
		ret->hash_password = true;
		return OPTIONS_GO_ON;
	case 'V':
		printf("%s\n", PACKAGE_STRING);
		return 0;
	case 'h':
		printf("%s%s", usage, help);
		return 0;
	default: /* getopt_long() has said what is wrong */
		fputs(usage, stderr);
		return OPTIONS_EXIT_USAGE;
	}
}

int
options_parse(int argc, char *argv[], struct options *ret)
{
	int option, status = OPTIONS_GO_ON;

	*ret = (struct options){ 0 };
	optind = 0; /* from the beginning, also when called twice */
	while (status == OPTIONS_GO_ON &&
	       (option = getopt_long(argc, argv, "c:Vh", options, NULL)) != -1)
		status = take(option, ret);
	if (status != OPTIONS_GO_ON)
		return status;
	if (optind < argc)
		return refuse("unexpected argument: ", argv[optind]);
	if (ret->check_config + ret->daemon + ret->hash_password > 1)
		return refuse("--check-config, --daemon and --hash-password exclude "
			      "each other",
		    "");
	return OPTIONS_GO_ON;
}
