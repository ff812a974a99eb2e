"""The Articles sample as Django Channels has it: the same paths, the same key, the same messages, in one file.

    REDIS=redis://127.0.0.1:6379 DATABASE=/tmp/articles.sqlite3 /usr/bin/python3 -m daphne -p 5090 articles:application

Debian's packages: python3-daphne, python3-django-channels, python3-channels-redis.
"""
import json
import os

from django.conf import settings

settings.configure(
    SECRET_KEY="for load tests only",
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["django.contrib.contenttypes", "channels"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE"], "OPTIONS": {"timeout": 20}}},
    CHANNEL_LAYERS={"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [os.environ["REDIS"]]}}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    USE_TZ=True,
    LOGGING_CONFIG=None,
)

import django  # noqa: E402 - it reads the settings

django.setup()

from asgiref.sync import async_to_sync  # noqa: E402
from channels.db import database_sync_to_async  # noqa: E402
from channels.generic.websocket import AsyncJsonWebsocketConsumer  # noqa: E402
from channels.layers import get_channel_layer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils import timezone  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402


class Article(models.Model):
    title = models.CharField(max_length=200)
    body = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        app_label = "articles"

    def document(self):
        return {"id": self.id, "title": self.title, "body": self.body, "createdAt": self.created_at.isoformat()}


if Article._meta.db_table not in connection.introspection.table_names():
    with connection.schema_editor() as editor:
        editor.create_model(Article)
with connection.cursor() as cursor:
    cursor.execute("PRAGMA journal_mode = WAL")  # as Entity Framework Core creates its files
connection.close()


@csrf_exempt
def create(request):
    if request.headers.get("X-Api-Key") != "dev":
        return JsonResponse({}, status=401)
    posted = json.loads(request.body)
    article = Article.objects.create(title=posted["title"], body=posted["body"], created_at=timezone.now())
    async_to_sync(get_channel_layer().group_send)("articles", {"type": "article", "action": "create", "data": article.document()})
    return JsonResponse(article.document(), status=201)


class ArticlesConsumer(AsyncJsonWebsocketConsumer):
    async def connect(self):
        await self.accept()
        await self.channel_layer.group_add("articles", self.channel_name)
        await self.send_json({"action": "snapshot", "model": "article", "data": await self.latest()})

    async def disconnect(self, code):
        await self.channel_layer.group_discard("articles", self.channel_name)

    async def article(self, event):
        await self.send_json({"action": event["action"], "model": "article", "data": event["data"]})

    @database_sync_to_async
    def latest(self):
        return [article.document() for article in Article.objects.order_by("-id")[:5]]


urlpatterns = [path("api/articles", create)]
settings.ROOT_URLCONF = __name__

application = ProtocolTypeRouter({
    "http": get_asgi_application(),
    "websocket": URLRouter([path("ws/articles", ArticlesConsumer.as_asgi())]),
})
