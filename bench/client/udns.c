/* libudns looks up what a file says, and prints how it went as key=value words.
 *
 * Usage: udns bulk|check SERVER PORT FILE IN_FLIGHT ZONE...
 * FILE has lines of an IPv4 address and 1 if it is listed, else 0. "bulk" looks each up in the first
 * zone, IN_FLIGHT at once; "check" in all zones at once, one address after the other. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <udns.h>

struct job {
  long long began;
  int expected;
  int left; /* replies to wait for */
  int bad;  /* 1: wrong, 2: failed */
};

static struct dns_ctx *ctx;
static long lookups, wrong, failed, open_jobs;
static long long *took;
static long done;

static long long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void reply(struct dns_ctx *c, struct dns_rr_a4 *rr, void *data) {
  struct job *job = data;
  int status = dns_status(c);
  lookups++;
  if (rr == NULL && status != DNS_E_NXDOMAIN && status != DNS_E_NODATA)
    job->bad = 2;
  else if ((rr != NULL) != job->expected && job->bad == 0)
    job->bad = 1;
  free(rr);
  if (--job->left > 0)
    return;
  wrong += job->bad == 1;
  failed += job->bad == 2;
  took[done++] = now_ns() - job->began;
  open_jobs--;
  free(job);
}

/* Waits for replies and takes them. */
static void turn(void) {
  struct pollfd fd = {.fd = dns_sock(ctx), .events = POLLIN};
  int wait = dns_timeouts(ctx, -1, 0);
  if (poll(&fd, 1, wait < 0 ? -1 : wait * 1000) > 0)
    dns_ioevent(ctx, 0);
}

static int ascending(const void *a, const void *b) {
  long long x = *(const long long *)a, y = *(const long long *)b;
  return (x > y) - (x < y);
}

static long peak_kib(void) {
  char line[256];
  long kib = 0;
  FILE *f = fopen("/proc/self/status", "r");
  while (f && fgets(line, sizeof line, f))
    sscanf(line, "VmHWM: %ld", &kib);
  if (f)
    fclose(f);
  return kib;
}

int main(int argc, char **argv) {
  if (argc < 7)
    return 2;
  int check = strcmp(argv[1], "check") == 0;
  int zones = check ? argc - 6 : 1;
  long in_flight = check ? 1 : atol(argv[5]);
  FILE *in = fopen(argv[4], "r");
  if (!in || dns_init(NULL, 0) < 0 || !(ctx = dns_new(NULL)))
    return 1;
  dns_add_serv(ctx, NULL);
  if (dns_add_serv(ctx, argv[2]) < 0 || dns_set_opt(ctx, DNS_OPT_PORT, atoi(argv[3])) < 0)
    return 1;
  if (dns_open(ctx) < 0)
    return 1;
  took = malloc(sizeof *took * 10000000);
  char text[64];
  int expected;
  long long began = now_ns();
  while (fscanf(in, "%63s %d", text, &expected) == 2) {
    struct in_addr addr;
    struct job *job = malloc(sizeof *job);
    if (!job || inet_pton(AF_INET, text, &addr) != 1)
      return 1;
    *job = (struct job){.began = now_ns(), .expected = expected, .left = zones};
    open_jobs++;
    for (int i = 0; i < zones; i++)
      if (!dns_submit_a4dnsbl(ctx, &addr, argv[6 + i], reply, job))
        return 1;
    dns_timeouts(ctx, 0, 0); /* sends */
    while (open_jobs >= in_flight)
      turn();
  }
  while (open_jobs > 0)
    turn();
  long long elapsed = now_ns() - began;
  qsort(took, done, sizeof *took, ascending);
  printf("lookups=%ld wrong=%ld failed=%ld elapsed_us=%lld p50_us=%lld p99_us=%lld rss_kib=%ld\n",
         lookups, wrong, failed, elapsed / 1000, took[(done - 1) / 2] / 1000,
         took[(done * 99 + 99) / 100 - 1] / 1000, peak_kib());
  return 0;
}
