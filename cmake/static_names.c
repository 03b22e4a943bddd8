/* What a static glibc answers by loading shared objects (name service modules, plug-ins) of the machine it runs on, which
   may have another glibc, another libc or none. Linked with --wrap into the static program only, so that none of it can be
   reached from the libraries it contains. Nothing is lost: libcurl looks names up through c-ares, gives it numeric ports,
   and takes the home directory from the environment; libcrypto's plug-ins are not used. */
#include <netdb.h>
#include <pwd.h>
#include <stddef.h>

int __wrap_getaddrinfo(const char* node, const char* service, const struct addrinfo* hints, struct addrinfo** result);
struct hostent* __wrap_gethostbyname(const char* name);
struct servent* __wrap_getservbyname(const char* name, const char* protocol);
int __wrap_getservbyport_r(int port, const char* protocol, struct servent* entry, char* buffer, size_t size,
                           struct servent** result);
int __wrap_getpwuid_r(uid_t uid, struct passwd* entry, char* buffer, size_t size, struct passwd** result);
void* __wrap_dlopen(const char* file, int mode);

int __wrap_getaddrinfo(const char* node, const char* service, const struct addrinfo* hints, struct addrinfo** result) {
  (void)node, (void)service, (void)hints;
  *result = NULL;
  return EAI_FAIL;
}

struct hostent* __wrap_gethostbyname(const char* name) {
  (void)name;
  return NULL;
}

struct servent* __wrap_getservbyname(const char* name, const char* protocol) {
  (void)name, (void)protocol;
  return NULL;
}

int __wrap_getservbyport_r(int port, const char* protocol, struct servent* entry, char* buffer, size_t size,
                           struct servent** result) {
  (void)port, (void)protocol, (void)entry, (void)buffer, (void)size;
  *result = NULL;
  return 0;
}

int __wrap_getpwuid_r(uid_t uid, struct passwd* entry, char* buffer, size_t size, struct passwd** result) {
  (void)uid, (void)entry, (void)buffer, (void)size;
  *result = NULL;
  return 0;
}

void* __wrap_dlopen(const char* file, int mode) {
  (void)file, (void)mode;
  return NULL;
}
