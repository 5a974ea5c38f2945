"""Settings of knowledge: a model that makes embeddings of passages, and an index outside where they may be kept."""

from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from app.setting_groups import EndpointGroup


class EmbeddingSettings(EndpointGroup):
    """A model that makes embeddings, by OpenAI's protocol. Without `KNOWLEDGE_EMBEDDING_URL` there is none.

    Texts of passages and of searches are sent to it.
    """

    model_config = SettingsConfigDict(env_prefix="KNOWLEDGE_EMBEDDING_")

    url: str | None = Field(
        None, description="Base URL of OpenAI's protocol, such as https://models.example/v1; …/embeddings is called."
    )
    name: str = Field("", max_length=200, description="The model's name at the endpoint.")
    dimensions: int = Field(
        1536, ge=2, le=4096, description="Numbers of one embedding; answers of another length are refused."
    )
    batch: int = Field(64, ge=1, le=512, description="Passages that are sent at once.")
    search_seconds: float = Field(
        3.0, gt=0, le=30, description="For the embedding of a search; then words alone are searched by."
    )

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.url is not None and not self.name:
            raise ValueError("KNOWLEDGE_EMBEDDING_NAME is needed with KNOWLEDGE_EMBEDDING_URL")
        return self

    @property
    def model(self) -> str:
        """What embeddings of one kind have in common: the model's name, and their length."""
        return f"{self.name}/{self.dimensions}"


class PineconeSettings(EndpointGroup):
    """An index at Pinecone, where embeddings are kept. Without `KNOWLEDGE_PINECONE_URL` they are kept in PostgreSQL."""

    model_config = SettingsConfigDict(env_prefix="KNOWLEDGE_PINECONE_")

    url: str | None = Field(None, description="The index's own address: https://name-project.svc.region.pinecone.io.")
    namespace: str = Field("spyne", max_length=500, description="Namespace within the index; no other is touched.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.url is not None and self.api_key is None:
            raise ValueError("KNOWLEDGE_PINECONE_API_KEY is needed with KNOWLEDGE_PINECONE_URL")
        return self
