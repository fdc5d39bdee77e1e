/*
 * Calls DRAC's program by libtirpc, as a POP server that uses DRAC does.
 *
 * rpc_client PORT VERSION          calls the procedure that does nothing
 * rpc_client PORT VERSION ADDRESS  adds an address
 *
 * Prints the clnt_stat, and behind it the result of adding, or the versions that there are.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rpc/rpc.h>

/* DRAC's arguments as rpcgen has them: an unsigned long, and a char[16]. */
static bool_t xdr_ipv4(XDR *xdrs, u_long *number)
{
	return xdr_u_long(xdrs, number);
}

static bool_t xdr_ipv6(XDR *xdrs, char *octets)
{
	return xdr_vector(xdrs, octets, 16, sizeof(char), (xdrproc_t)xdr_char);
}

static enum clnt_stat add(CLIENT *client, const char *text, int *result)
{
	struct timeval patience = { 60, 0 };
	struct in_addr ipv4;
	char ipv6[16];
	u_long number;

	if (inet_pton(AF_INET, text, &ipv4) == 1) {
		number = ntohl(ipv4.s_addr);
		return clnt_call(client, 1, (xdrproc_t)xdr_ipv4, (caddr_t)&number, (xdrproc_t)xdr_enum,
				 (caddr_t)result, patience);
	}
	if (inet_pton(AF_INET6, text, ipv6) != 1)
		exit(2);
	return clnt_call(client, 1, (xdrproc_t)xdr_ipv6, (caddr_t)ipv6, (xdrproc_t)xdr_enum,
			 (caddr_t)result, patience);
}

int main(int argc, char **argv)
{
	struct timeval patience = { 60, 0 };
	struct sockaddr_in server = { .sin_family = AF_INET };
	struct netbuf address = { sizeof server, sizeof server, &server };
	struct rpc_err error;
	enum clnt_stat status;
	CLIENT *client;
	int result = -1;

	if (argc < 3)
		return 2;
	server.sin_port = htons(atoi(argv[1]));
	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	client = clnt_dg_create(socket(AF_INET, SOCK_DGRAM, 0), &address, 900101, atoi(argv[2]), 0, 0);
	if (client == NULL)
		return 2;
	if (argc == 3)
		status = clnt_call(client, 0, (xdrproc_t)xdr_void, NULL, (xdrproc_t)xdr_void, NULL, patience);
	else
		status = add(client, argv[3], &result);
	clnt_geterr(client, &error);
	if (status == RPC_PROGVERSMISMATCH)
		printf("%d %u %u\n", status, error.re_vers.low, error.re_vers.high);
	else
		printf("%d %d\n", status, result);
	return 0;
}
