// A file server on loopback for scripts/bench: HTTP/1.1 with connections that stay open, a thread for each, and a delay
// before each answer and each new connection, as a distant server has it. It costs so little that what is timed is
// the client.
//
//     bench_server DIRECTORY DELAY_MS      prints its port, and ends with its standard input
#include <arpa/inet.h>
#include <ctype.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int root;
static useconds_t delay;

static void answer(int to, const char* path) {
  char head[256];
  struct stat status;
  const int file = strstr(path, "..") ? -1 : openat(root, path, O_RDONLY | O_CLOEXEC);
  if (delay) usleep(delay);
  if (file < 0 || fstat(file, &status) != 0) {
    dprintf(to, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    if (file >= 0) close(file);
    return;
  }
  const int size = snprintf(head, sizeof head,
                            "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %lld\r\n"
                            "\r\n", (long long)status.st_size);
  send(to, head, (size_t)size, MSG_MORE | MSG_NOSIGNAL);
  for (off_t at = 0; at < status.st_size;) {
    if (sendfile(to, file, &at, (size_t)(status.st_size - at)) <= 0) break;
  }
  close(file);
}

static void* serve(void* argument) {
  const int from = (int)(long)argument;
  char text[16384];
  size_t have = 0;
  if (delay) usleep(delay);  // the handshake's way
  while (have < sizeof text - 1) {
    const ssize_t got = read(from, text + have, sizeof text - 1 - have);
    if (got <= 0) break;
    have += (size_t)got;
    text[have] = '\0';
    char* end;
    while ((end = strstr(text, "\r\n\r\n"))) {
      char path[2048];
      *end = '\0';
      if (sscanf(text, "GET /%2047s ", path) != 1) goto out;
      path[strcspn(path, "?#")] = '\0';
      answer(from, path);
      have -= (size_t)(end + 4 - text);
      memmove(text, end + 4, have + 1);
    }
  }
out:
  close(from);
  return NULL;
}

static void* wait_for_end(void* unused) {
  (void)unused;
  char byte;
  while (read(0, &byte, 1) > 0) continue;
  _exit(0);
}

int main(int argc, char** argv) {
  if (argc != 3 || (root = open(argv[1], O_RDONLY | O_DIRECTORY)) < 0) return 2;
  delay = (useconds_t)(atof(argv[2]) * 1000);
  signal(SIGPIPE, SIG_IGN);
  const int at = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  if (bind(at, (struct sockaddr*)&address, size) || listen(at, 512) || getsockname(at, (struct sockaddr*)&address, &size))
    return 1;
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  pthread_t thread;
  pthread_create(&thread, NULL, wait_for_end, NULL);
  pthread_detach(thread);
  for (;;) {
    const int connection = accept(at, NULL, NULL);
    if (connection < 0) continue;
    const int one = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    pthread_create(&thread, NULL, serve, (void*)(long)connection);
    pthread_detach(thread);
  }
}
